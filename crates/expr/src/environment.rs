//! The one environment that every expression shares.

use std::sync::{Arc, LazyLock};

use cel::{
    DeclarationError, Env,
    common::{
        ast::IdedExpr,
        types::{DYN_TYPE, INT_TYPE, LIST_TYPE, STRING_TYPE},
    },
    extensions,
};

use crate::{budget, functions, sets};

/// Expressions within expressions beyond this are refused by the parser.
const MAX_DEPTH: u16 = 48;

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    extend(&mut env).expect("every overload is declared once");
    Arc::new(env)
});

/// The environment.
pub(crate) fn shared() -> Arc<Env> {
    Arc::clone(&ENVIRONMENT)
}

/// Reads a text into a tree, macros expanded; an error says what and where.
pub(crate) fn parse(text: &str) -> Result<IdedExpr, String> {
    ENVIRONMENT.parser().max_recursion_depth(MAX_DEPTH).error_recovery_limit(1).parse(text).map_err(|errors| {
        let first = errors.errors.first();
        first.map_or_else(|| "not an expression".to_owned(), |e| format!("{}:{}: {}", e.pos.0, e.pos.1, e.msg))
    })
}

fn extend(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_extension(extensions::strings)?;
    env.add_extension(extensions::encoders)?;
    for (name, id, function) in [
        ("sets.contains", "list_sets_contains_list", sets::contains as cel::common::functions::Function),
        ("sets.equivalent", "list_sets_equivalent_list", sets::equivalent),
        ("sets.intersects", "list_sets_intersects_list", sets::intersects),
    ] {
        env.add_overload(name, id, vec![LIST_TYPE, LIST_TYPE], function)?;
    }
    env.add_overload("@spend", "@spend", vec![INT_TYPE, DYN_TYPE], budget::spend)?;
    env.add_overload("@alive", "@alive", vec![], budget::alive)?;
    let strings = |count| (0..count).map(|_| STRING_TYPE).collect::<Vec<_>>();
    env.add_member_overload("@matches", "@matches", STRING_TYPE, strings(1), functions::matches)?;
    env.add_member_overload("@replace", "@replace", STRING_TYPE, strings(2), functions::replace)?;
    let counted = vec![STRING_TYPE, STRING_TYPE, INT_TYPE];
    env.add_member_overload("@replace", "@replace_n", STRING_TYPE, counted, functions::replace)?;
    env.add_member_overload("@join", "@join", LIST_TYPE, vec![], functions::join)?;
    env.add_member_overload("@join", "@join_by", LIST_TYPE, strings(1), functions::join)
}
