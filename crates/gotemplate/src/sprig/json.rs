//! JSON as Go's encoding/json writes and reads it.

mod decode;
mod encode;

pub use decode::{DecodeError, decode};
pub use encode::{Style, encode};

use crate::{
    context::Ctx,
    error::{Bound, FuncError},
    function::{Functions, Signature},
    sprig::args::{ANY, Answer, TEXT, VALUE_SIZE, any, text},
    value::Value,
};

pub(super) fn register(to: &mut Functions) {
    const ONE: Signature = Signature::fixed(&[ANY]).typed("func(interface {}) string");
    const FROM: Signature = Signature::fixed(&[TEXT]).typed("func(string) interface {}");
    to.add("toJson", ONE, |ctx, args| or_nothing(written(ctx, args, Style::Plain)));
    to.add("toPrettyJson", ONE, |ctx, args| or_nothing(written(ctx, args, Style::Pretty)));
    to.add("toRawJson", ONE, |ctx, args| written(ctx, args, Style::Raw));
    to.add("mustToJson", ONE, |ctx, args| written(ctx, args, Style::Plain));
    to.add("mustToPrettyJson", ONE, |ctx, args| written(ctx, args, Style::Pretty));
    to.add("mustToRawJson", ONE, |ctx, args| written(ctx, args, Style::Raw));
    to.add("fromJson", FROM, |ctx, args| {
        charge_parts(ctx, &text(args, 0))?;
        Ok(decode(&text(args, 0)).unwrap_or_else(|error| error.partial))
    });
    to.add("mustFromJson", FROM, |ctx, args| {
        charge_parts(ctx, &text(args, 0))?;
        decode(&text(args, 0)).map_err(|error| FuncError::new(error.to_string()))
    });
}

/// A number of two bytes becomes a value of many: they are paid for before they are made.
fn charge_parts(ctx: &mut Ctx<'_>, text: &[u8]) -> Result<(), FuncError> {
    let parts = memchr::memchr_iter(b',', text).count();
    Ok(ctx.charge_output(parts.saturating_mul(2 * VALUE_SIZE))?)
}

/// What has no JSON is an empty text, but a bound remains one.
fn or_nothing(answer: Answer) -> Answer {
    answer.or_else(|error| if error.bound().is_some() { Err(error) } else { Ok(Value::from("")) })
}

fn written(ctx: &mut Ctx<'_>, args: &[Value], style: Style) -> Answer {
    let json = encode(any(args, 0), style, ctx.room()).map_err(FuncError::new)?;
    // What it returns is charged by the caller, but what is too long is an error here, not an empty answer.
    if json.len() > ctx.room() {
        return Err(Bound::Output.into());
    }
    Ok(Value::string(json))
}
