//! `.Files`: the chart's other files, for templates.

use base64::Engine as _;
use weir_gotemplate::{Ctx, FuncError, Map, Methods, Signature, Type, Value};

use super::objects::FILES;
use crate::{chart::File, glob::Glob, path};

/// The value of `.Files`.
pub(super) fn value(files: &[File]) -> Value {
    // Few templates look at them, and they may be many megabytes.
    let files = files.to_vec();
    let entry = |file: &File| (file.name.as_str().into(), Value::Bytes((&*file.data).into()));
    Value::Map(Map::lazy(Type::Named(&FILES), move || files.iter().map(entry).collect()))
}

fn empty() -> Map {
    Map::of(Type::Named(&FILES))
}

/// The methods of `engine.files`.
pub(super) struct FilesMethods;

impl Methods for FilesMethods {
    fn method(&self, name: &str) -> Option<&'static Signature> {
        static ONE: Signature = Signature::fixed(&[Type::String]);
        match name {
            "Get" | "GetBytes" | "Glob" | "Lines" => Some(&ONE),
            "AsConfig" | "AsSecrets" => Some(&Signature::NONE),
            _ => None,
        }
    }

    fn call(&self, receiver: &Value, name: &str, ctx: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
        let Some(files) = receiver.as_map() else { return Ok(Value::string("")) };
        let key = args.first().and_then(Value::as_str).cloned().unwrap_or_default();
        let bytes = || match files.get(&*key) {
            Some(Value::Bytes(bytes)) => bytes,
            _ => weir_gotemplate::Str::default(),
        };
        ctx.charge(files.len() as u64 + 1)?;
        Ok(match name {
            "Get" => Value::String(bytes()),
            "GetBytes" => Value::Bytes(bytes()),
            "Lines" => lines(&bytes()),
            "Glob" => {
                // A pattern that cannot be read stands for all files, as in Helm.
                let pattern = Glob::parse(&key.to_str()).ok();
                let found = empty();
                for (name, data) in files.entries() {
                    if pattern.as_ref().is_none_or(|it| it.matches(&name.to_str())) {
                        found.set(name, data);
                    }
                }
                Value::Map(found)
            }
            "AsConfig" => return texts(ctx, files, Value::String),
            _ => {
                return texts(ctx, files, |data| {
                    Value::string(base64::engine::general_purpose::STANDARD.encode(&*data))
                });
            }
        })
    }
}

/// YAML of the files under their base names.
fn texts(ctx: &Ctx<'_>, files: &Map, text: impl Fn(weir_gotemplate::Str) -> Value) -> Result<Value, FuncError> {
    let out = Map::new();
    for (name, data) in files.entries() {
        if let Value::Bytes(data) = data {
            out.set(path::base(&name.to_str()), text(data));
        }
    }
    super::yaml::to_yaml(ctx, &Value::Map(out))
}

/// The lines without their ends; a last line break ends no further line.
fn lines(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::strings::<&str>([]);
    }
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    Value::strings(bytes.split(|it| *it == b'\n'))
}
