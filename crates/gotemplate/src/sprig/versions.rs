//! Semantic versions by the rules of Masterminds/semver v3.

use std::{any::Any, cmp::Ordering};

use weir_semver::{Constraint, InvalidConstraint, InvalidVersion, Version};

use crate::{
    context::Ctx,
    error::FuncError,
    format::quote,
    function::{Functions, Signature},
    sprig::args::{Answer, TEXT, fail, text},
    text::Str,
    types::{Kind, Named, Type},
    value::{Object, Value},
};

static VERSION: Named = Named { name: "semver.Version", under: None, methods: None };
const STRUCT: Type = Type::Named(&VERSION);
const POINTER: Type = Type::Pointer(&STRUCT);

/// The library's limit on alternatives of one constraint.
const MAX_GROUPS: usize = 32;

pub fn register(to: &mut Functions) {
    to.add("semver", Signature::fixed(&[TEXT]).typed("func(string) (*semver.Version, error)"), |_, args| {
        let version = read(&text(args, 0))?;
        Ok(Value::object(SemVer { version, pointer: true }))
    });
    to.add("semverCompare", Signature::fixed(&[TEXT, TEXT]).typed("func(string, string) (bool, error)"), |_, args| {
        let constraint = constraint(&text(args, 0))?;
        Ok(Value::Bool(constraint.matches(&read(&text(args, 1))?)))
    });
}

fn read(text: &[u8]) -> Result<Version, FuncError> {
    let Ok(text) = std::str::from_utf8(text) else { return fail("invalid semantic version") };
    Version::parse(text).map_err(|error| {
        FuncError::new(match error {
            InvalidVersion::Form { .. } => "invalid semantic version".to_owned(),
            InvalidVersion::LeadingZero { .. } => "version segment starts with 0".to_owned(),
            InvalidVersion::TooLarge { .. } => too_large(text),
            InvalidVersion::TooLong => error.to_string(),
        })
    })
}

fn too_large(text: &str) -> String {
    let digits = text.split(|it: char| !it.is_ascii_digit()).find(|it| !it.is_empty() && it.parse::<u64>().is_err());
    let digits = quote(digits.unwrap_or_default().as_bytes());
    format!("error parsing version segment: strconv.ParseUint: parsing {digits}: value out of range")
}

fn constraint(text: &[u8]) -> Result<Constraint, FuncError> {
    let shown = |it: &str| FuncError::new(format!("improper constraint: {}", quote(it.as_bytes())));
    let Ok(text) = std::str::from_utf8(text) else { return fail(format!("improper constraint: {}", quote(text))) };
    if text.split("||").count() > MAX_GROUPS {
        return fail(format!("too many constraint groups (max {MAX_GROUPS})"));
    }
    Constraint::parse(text).map_err(|error| match error {
        InvalidConstraint::Form { .. } => {
            let group = text.split("||").find(|group| Constraint::parse(group).is_err());
            shown(group.unwrap_or(text))
        }
        InvalidConstraint::TooLong => FuncError::new(error.to_string()),
    })
}

/// `*semver.Version`, or the struct itself.
struct SemVer {
    version: Version,
    pointer: bool,
}

/// The version 0.0.0 of the same type, if it is a version.
pub fn zeroed(value: &Value) -> Option<Value> {
    let pointer = value.downcast::<SemVer>()?.pointer;
    Some(Value::object(SemVer { version: Version::parse("0.0.0").ok()?, pointer }))
}

impl SemVer {
    fn changed(&self, core: (u64, u64, u64), pre: &str, metadata: &str) -> Answer {
        let prefix = if self.version.original().starts_with('v') { "v" } else { "" };
        let (major, minor, patch) = core;
        let mut text = format!("{prefix}{major}.{minor}.{patch}");
        if !pre.is_empty() {
            text.push('-');
            text.push_str(pre);
        }
        if !metadata.is_empty() {
            text.push('+');
            text.push_str(metadata);
        }
        Ok(Value::object(SemVer { version: read(text.as_bytes())?, pointer: false }))
    }

    fn incremented(&self, part: &str) -> Answer {
        let (major, minor, patch) = self.version.core();
        let core = match part {
            "IncMajor" => (major.wrapping_add(1), 0, 0),
            "IncMinor" => (major, minor.wrapping_add(1), 0),
            // A pre-release or metadata is dropped instead of counting on.
            _ if !self.version.pre.is_empty() => (major, minor, patch),
            _ => (major, minor, patch.wrapping_add(1)),
        };
        self.changed(core, "", "")
    }
}

impl Object for SemVer {
    fn type_of(&self) -> Type {
        if self.pointer { POINTER } else { STRUCT }
    }

    fn method(&self, name: &str) -> Option<&'static Signature> {
        const OTHER: Signature = Signature::fixed(&[POINTER]);
        const ONE: Signature = Signature::fixed(&[TEXT]);
        match name {
            "Major" | "Minor" | "Patch" | "Prerelease" | "Metadata" | "String" | "IncMajor" | "IncMinor"
            | "IncPatch" | "MarshalJSON" | "MarshalText" => Some(&Signature::NONE),
            "Original" if self.pointer => Some(&Signature::NONE),
            "SetPrerelease" | "SetMetadata" => Some(&ONE),
            "LessThan" | "LessThanEqual" | "GreaterThan" | "GreaterThanEqual" | "Equal" | "Compare" if self.pointer => {
                Some(&OTHER)
            }
            _ => None,
        }
    }

    fn call(&self, name: &str, _: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
        let version = &self.version;
        let order = || match args.first().and_then(Value::downcast::<SemVer>) {
            Some(other) => Ok(version.cmp(&other.version)),
            None => fail(crate::sprig::args::NIL_DEREFERENCE),
        };
        Ok(match name {
            "Major" => Value::Uint(Kind::Uint64, version.major),
            "Minor" => Value::Uint(Kind::Uint64, version.minor),
            "Patch" => Value::Uint(Kind::Uint64, version.patch),
            "Prerelease" => Value::from(version.pre.as_str()),
            "Metadata" => Value::from(version.metadata.as_str()),
            "Original" => Value::from(version.original()),
            "IncMajor" | "IncMinor" | "IncPatch" => return self.incremented(name),
            "SetPrerelease" => return self.changed(version.core(), &text(args, 0).to_str(), &version.metadata),
            "SetMetadata" => return self.changed(version.core(), &version.pre, &text(args, 0).to_str()),
            "LessThan" => Value::Bool(order()? == Ordering::Less),
            "LessThanEqual" => Value::Bool(order()? != Ordering::Greater),
            "GreaterThan" => Value::Bool(order()? == Ordering::Greater),
            "GreaterThanEqual" => Value::Bool(order()? != Ordering::Less),
            "Equal" => Value::Bool(order()? == Ordering::Equal),
            "Compare" => Value::int(order()? as i64),
            "MarshalText" => Value::Bytes(Str::from(version.to_string())),
            "MarshalJSON" => Value::Bytes(Str::from(quote(version.to_string().as_bytes()))),
            _ => Value::from(version.to_string()),
        })
    }

    fn text(&self) -> Option<Str> {
        Some(Str::from(self.version.to_string()))
    }

    fn to_tree(&self) -> Value {
        Value::from(self.version.to_string())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
