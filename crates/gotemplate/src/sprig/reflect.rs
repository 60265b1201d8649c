//! Types and kinds by name.

use crate::{
    function::{Functions, Signature},
    sprig::{
        args::{ANY, TEXT, any, text},
        equal::deep_equal,
    },
    value::Value,
};

pub fn register(to: &mut Functions) {
    const NAME: Signature = Signature::fixed(&[ANY]).typed("func(interface {}) string");
    const TEST: Signature = Signature::fixed(&[TEXT, ANY]).typed("func(string, interface {}) bool");
    to.add("typeOf", NAME, |_, args| Ok(Value::from(any(args, 0).type_name())));
    to.add("kindOf", NAME, |_, args| Ok(Value::from(any(args, 0).kind().name())));
    to.add("typeIs", TEST, |_, args| Ok(Value::Bool(text(args, 0) == *any(args, 1).type_name())));
    to.add("typeIsLike", TEST, |_, args| {
        let (target, name) = (text(args, 0), any(args, 1).type_name());
        Ok(Value::Bool(target == *name || name.strip_prefix('*').is_some_and(|it| target == *it)))
    });
    to.add("kindIs", TEST, |_, args| Ok(Value::Bool(text(args, 0) == *any(args, 1).kind().name())));
    to.add("deepEqual", Signature::fixed(&[ANY, ANY]).typed("func(interface {}, interface {}) bool"), |ctx, args| {
        deep_equal(ctx, any(args, 0), any(args, 1)).map(Value::Bool)
    });
}
