//! JSON as Go's encoding/json writes and reads it.

mod decode;
mod encode;

pub use decode::{DecodeError, decode};
pub use encode::{Style, encode};

use crate::{
    context::Ctx,
    error::FuncError,
    function::{Functions, Signature},
    sprig::args::{ANY, Answer, TEXT, any, text},
    value::Value,
};

pub(super) fn register(to: &mut Functions) {
    const ONE: Signature = Signature::fixed(&[ANY]).typed("func(interface {}) string");
    const FROM: Signature = Signature::fixed(&[TEXT]).typed("func(string) interface {}");
    to.add("toJson", ONE, |ctx, args| Ok(written(ctx, args, Style::Plain).unwrap_or_else(|_| Value::from(""))));
    to.add("toPrettyJson", ONE, |ctx, args| Ok(written(ctx, args, Style::Pretty).unwrap_or_else(|_| Value::from(""))));
    to.add("toRawJson", ONE, |ctx, args| written(ctx, args, Style::Raw));
    to.add("mustToJson", ONE, |ctx, args| written(ctx, args, Style::Plain));
    to.add("mustToPrettyJson", ONE, |ctx, args| written(ctx, args, Style::Pretty));
    to.add("mustToRawJson", ONE, |ctx, args| written(ctx, args, Style::Raw));
    to.add("fromJson", FROM, |_, args| Ok(decode(&text(args, 0)).unwrap_or_else(|error| error.partial)));
    to.add("mustFromJson", FROM, |_, args| decode(&text(args, 0)).map_err(|error| FuncError::new(error.to_string())));
}

fn written(ctx: &mut Ctx<'_>, args: &[Value], style: Style) -> Answer {
    let json = encode(any(args, 0), style).map_err(FuncError::new)?;
    ctx.charge_output(json.len())?;
    Ok(Value::string(json))
}
