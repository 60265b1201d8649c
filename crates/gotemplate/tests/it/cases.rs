//! Cases as the goldens hold them: templates, data with Go's types, and what Go answered.

use std::{any::Any, rc::Rc};

use serde_json::Value as Json;
use weir_gotemplate::{
    BYTES, Ctx, DURATION, FuncError, Function, Functions, Kind, List, Map, Methods, MissingKey, Named, Object, Options,
    STRING_MAP, STRING_SLICE, Set, Signature, Str, Type, Value,
};

/// What an execution gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    Out(Vec<u8>),
    Err(String),
}

impl Answer {
    pub fn recorded(case: &Json) -> Self {
        if let Some(text) = case["out"].as_str() {
            return Self::Out(text.as_bytes().to_vec());
        }
        if let Some(text) = case["out64"].as_str() {
            return Self::Out(from_base64(text));
        }
        Self::Err(case["err"].as_str().expect("a case has an answer").to_owned())
    }
}

/// The answer of this engine; data may stand by name among those many cases share.
pub fn answer(case: &Json, shared: &Json) -> Answer {
    let mut set = Set::named("root", Rc::new(functions()));
    for template in case["templates"].as_array().unwrap() {
        if let Err(error) = set.parse(template[0].as_str().unwrap(), template[1].as_str().unwrap()) {
            return Answer::Err(error.to_string());
        }
    }
    let missing_key = match case["missing"].as_str() {
        Some("zero") => MissingKey::Zero,
        Some("error") => MissingKey::Error,
        _ => MissingKey::Invalid,
    };
    let options = Options { missing_key, ..Options::default() };
    let data = match &case["data"] {
        Json::Null => Value::Missing,
        Json::String(name) => value(&shared[name]),
        data => value(data),
    };
    match set.execute(case["run"].as_str().unwrap(), &data, &options) {
        Ok(out) => Answer::Out(out),
        Err(error) => Answer::Err(error.to_string()),
    }
}

fn from_base64(text: &str) -> Vec<u8> {
    let digit =
        |it: u8| b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".iter().position(|x| *x == it);
    let digits: Vec<usize> = text.bytes().filter_map(digit).collect();
    let mut out = Vec::new();
    for chunk in digits.chunks(4) {
        let word = chunk.iter().enumerate().fold(0, |word, (place, digit)| word | digit << (18 - 6 * place));
        for place in 0..chunk.len() - 1 {
            out.push((word >> (16 - 8 * place) & 255) as u8);
        }
    }
    out
}

static VALS: Named = Named { name: "main.Vals", under: Some(weir_gotemplate::ANY_MAP), methods: Some(&ValsMethods) };
static STRS: Named = Named { name: "main.Strs", under: Some(STRING_SLICE), methods: Some(&StrsMethods) };
static THING: Named = Named { name: "main.Thing", under: None, methods: None };
static SHOWN: Named = Named { name: "main.Shown", under: None, methods: None };
static THING_TYPE: Type = Type::Named(&THING);
static DURATION_PARAM: [Type; 1] = [Type::Named(&DURATION)];

struct ValsMethods;
impl Methods for ValsMethods {
    fn method(&self, name: &str) -> Option<&'static Signature> {
        (name == "Count").then_some(&Signature::NONE)
    }
    fn call(&self, receiver: &Value, _: &str, _: &mut Ctx<'_>, _: &[Value]) -> Result<Value, FuncError> {
        Ok(Value::int(receiver.as_map().map_or(0, Map::len) as i64))
    }
}

struct StrsMethods;
impl Methods for StrsMethods {
    fn method(&self, name: &str) -> Option<&'static Signature> {
        const TAKES: Signature = Signature::fixed(&[Type::String]);
        (name == "Has").then_some(&TAKES)
    }
    fn call(&self, receiver: &Value, _: &str, _: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
        let wanted = args[0].as_str().cloned();
        Ok(Value::Bool(receiver.as_list().is_some_and(|it| it.iter().any(|it| it.as_str() == wanted.as_ref()))))
    }
}

struct Thing(i64, Option<Rc<dyn Object>>);
impl Object for Thing {
    fn type_of(&self) -> Type {
        Type::Pointer(&THING_TYPE)
    }
    fn field(&self, name: &str) -> Option<Value> {
        let nil = Value::NilOf(self.type_of());
        Some(match name {
            "A" => Value::int(self.0),
            "B" => Value::string(if self.0 == 7 { "bee" } else { "" }),
            "M" if self.0 == 7 => Value::map([("k", Value::string("v"))]),
            "M" => Value::NilOf(weir_gotemplate::ANY_MAP),
            "N" => self.1.clone().map_or(nil, Value::Object),
            "I" => Value::Nil,
            _ => return None,
        })
    }
    fn fields(&self) -> Vec<(&'static str, Value)> {
        ["A", "B", "M", "N", "I"].into_iter().map(|name| (name, self.field(name).unwrap())).collect()
    }
    fn method(&self, name: &str) -> Option<&'static Signature> {
        const GET: Signature = Signature::fixed(&[Type::String]);
        const SUM: Signature = Signature::variadic(&[Type::Int]);
        match name {
            "Get" => Some(&GET),
            "Fails" => Some(&Signature::NONE),
            "Sum" => Some(&SUM),
            _ => None,
        }
    }
    fn call(&self, name: &str, _: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
        match name {
            "Get" => Ok(Value::string(format!("got {}", args[0]))),
            "Sum" => Ok(Value::int(args.iter().filter_map(Value::as_int).sum())),
            _ => Err(FuncError::new("it fails")),
        }
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct Shown(i64);
impl Object for Shown {
    fn type_of(&self) -> Type {
        Type::Named(&SHOWN)
    }
    fn field(&self, name: &str) -> Option<Value> {
        (name == "X").then_some(Value::int(self.0))
    }
    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("X", Value::int(self.0))]
    }
    fn method(&self, name: &str) -> Option<&'static Signature> {
        (name == "String").then_some(&Signature::NONE)
    }
    fn call(&self, _: &str, _: &mut Ctx<'_>, _: &[Value]) -> Result<Value, FuncError> {
        Ok(Value::String(self.text().unwrap()))
    }
    fn text(&self) -> Option<Str> {
        Some(format!("shown-{}", self.0).into())
    }
    fn equals(&self, other: &dyn Object) -> Option<bool> {
        Some(other.as_any().downcast_ref::<Self>()?.0 == self.0)
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A value with the Go type the case names.
pub fn value(typed: &Json) -> Value {
    let (name, json) = (typed["t"].as_str().unwrap(), &typed["v"]);
    let text = || json.as_str().map_or_else(|| json.to_string(), str::to_owned);
    let items = || json.as_array().unwrap().iter();
    let float = || text().parse::<f64>().unwrap();
    let int = |kind| Value::Int(kind, text().parse().unwrap());
    let uint = |kind| Value::Uint(kind, text().parse().unwrap());
    match name {
        "nil" => Value::Nil,
        "bool" => Value::Bool(json.as_bool().unwrap()),
        "int" => int(Kind::Int),
        "int8" => int(Kind::Int8),
        "int16" => int(Kind::Int16),
        "int32" => int(Kind::Int32),
        "int64" => int(Kind::Int64),
        "uint" => uint(Kind::Uint),
        "uint8" => uint(Kind::Uint8),
        "uint16" => uint(Kind::Uint16),
        "uint32" => uint(Kind::Uint32),
        "uint64" => uint(Kind::Uint64),
        "float64" => Value::float(float()),
        "float32" => Value::Float(Kind::Float32, f64::from(float() as f32)),
        "complex128" => Value::Complex(float(), float()),
        "string" => Value::string(text()),
        "string64" => Value::string(from_base64(&text())),
        "bytes" => Value::Bytes(from_base64(&text()).into()),
        "dur" => Value::duration(text().parse().unwrap()),
        "jnum" => Value::number(text()),
        "err" => Value::error(text()),
        "shown" => Value::object(Shown(text().parse().unwrap())),
        "thing" => Value::object(Thing(7, None)),
        "thingp" => Value::object(Thing(7, Some(Rc::new(Thing(8, None))))),
        "nilthing" => Value::NilOf(Type::Pointer(&THING_TYPE)),
        "nilmap" => Value::NilOf(weir_gotemplate::ANY_MAP),
        "nillist" => Value::NilOf(weir_gotemplate::ANY_SLICE),
        "nilstrs" => Value::NilOf(STRING_SLICE),
        "nilbytes" => Value::NilOf(BYTES),
        "func" => {
            Value::Func(Function::plain(Signature::fixed(&[Type::String]).typed("func(string) string"), |_, args| {
                Ok(Value::string(format!("<{}>", args[0])))
            }))
        }
        "list" => Value::list(items().map(value).collect()),
        "strs" => Value::strings(items().map(|it| it.as_str().unwrap())),
        "named" => {
            Value::List(List::new(Type::Named(&STRS), items().map(|it| Value::string(it.as_str().unwrap())).collect()))
        }
        "ints" => Value::List(List::new(
            weir_gotemplate::INT_SLICE,
            items().map(|it| Value::int(it.as_i64().unwrap())).collect(),
        )),
        "map" => Value::map(json.as_object().unwrap().iter().map(|(key, it)| (key.as_str(), value(it)))),
        "vals" => filled(Type::Named(&VALS), json, value),
        "strmap" => filled(STRING_MAP, json, |it| Value::string(it.as_str().unwrap())),
        "intmap" => filled(Type::Map(&Type::Int), json, |it| Value::int(it.as_i64().unwrap())),
        other => panic!("no type {other}"),
    }
}

fn filled(of: Type, json: &Json, value: impl Fn(&Json) -> Value) -> Value {
    let map = Map::of(of);
    for (key, it) in json.as_object().unwrap() {
        map.set(key.as_str(), value(it));
    }
    Value::Map(map)
}

fn out(text: impl Into<Str>) -> Result<Value, FuncError> {
    Ok(Value::string(text))
}

fn counted(args: &[Value]) -> Result<Value, FuncError> {
    Ok(Value::int(match &args[0] {
        Value::Map(map) => map.len(),
        other => other.elements().map_or(0, |it| it.len()),
    } as i64))
}

/// The functions that the program which recorded the answers had too.
pub fn functions() -> Functions {
    let mut it = Functions::new();
    it.add("str", Signature::fixed(&[Type::String]), |_, args| {
        out([b"[", args[0].as_str().unwrap().as_bytes(), b"]"].concat())
    });
    it.add("two", Signature::fixed(&[Type::String, Type::String]), |_, args| out(format!("{}+{}", args[0], args[1])));
    it.add("add", Signature::fixed(&[Type::Int, Type::Int]), |_, args| {
        Ok(Value::int(args[0].as_int().unwrap().wrapping_add(args[1].as_int().unwrap())))
    });
    it.add("vari", Signature::variadic(&[Type::String, Type::Int]), |_, args| {
        let rest = Value::List(List::new(weir_gotemplate::INT_SLICE, args[1..].to_vec()));
        out(weir_gotemplate::format::sprint(&[args[0].clone(), rest]))
    });
    it.add("varany", Signature::variadic(&[Type::Interface]), |_, args| Ok(Value::int(args.len() as i64)));
    it.add("fails", Signature::fixed(&[Type::String]), |_, args| Err(FuncError::new(format!("failed: {}", args[0]))));
    it.add("any", Signature::fixed(&[Type::Interface]), |_, args| Ok(args[0].clone()));
    it.add("nilany", Signature::NONE, |_, _| Ok(Value::Nil));
    it.add("tname", Signature::fixed(&[Type::Interface]), |_, args| out(args[0].type_name()));
    it.add("mapfn", Signature::fixed(&[weir_gotemplate::ANY_MAP]), |_, args| counted(args));
    it.add("listfn", Signature::fixed(&[weir_gotemplate::ANY_SLICE]), |_, args| counted(args));
    it.add("strsfn", Signature::fixed(&[STRING_SLICE]), |_, args| counted(args));
    it.add("bytesfn", Signature::fixed(&[BYTES]), |_, args| counted(args));
    for (name, signature) in [
        ("f64", Signature::fixed(&[Type::Float64])),
        ("u8", Signature::fixed(&[Type::Uint8])),
        ("i8", Signature::fixed(&[Type::Int8])),
        ("i64", Signature::fixed(&[Type::Int64])),
        ("u64", Signature::fixed(&[Type::Uint64])),
        ("errfn", Signature::fixed(&[Type::Error])),
        ("durfn", Signature::fixed(&DURATION_PARAM)),
    ] {
        it.add(name, signature, |_, args| out(args[0].to_string()));
    }
    it.add("boolfn", Signature::fixed(&[Type::Bool]), |_, args| Ok(Value::Bool(!args[0].as_bool().unwrap())));
    it.add("fnfn", Signature::NONE, |_, _| {
        Ok(Value::Func(Function::plain(
            Signature::fixed(&[Type::String, Type::Int]).typed("func(string, int) string"),
            |_, args| match usize::try_from(args[1].as_int().unwrap()) {
                Ok(count) => out(args[0].to_string().repeat(count)),
                Err(_) => Err(FuncError::new("strings: negative Repeat count")),
            },
        )))
    });
    it.add("varfn", Signature::NONE, |_, _| {
        Ok(Value::Func(Function::plain(
            Signature::variadic(&[Type::Int, Type::String]).typed("func(int, ...string) string"),
            |_, args| {
                let rest = Value::List(List::new(STRING_SLICE, args[1..].to_vec()));
                out(weir_gotemplate::format::sprint(&[args[0].clone(), rest]))
            },
        )))
    });
    it.add("dict", Signature::variadic(&[Type::Interface]), |_, args| {
        Ok(Value::map(args.chunks_exact(2).map(|it| (it[0].to_string(), it[1].clone()))))
    });
    it.add("list", Signature::variadic(&[Type::Interface]), |_, args| Ok(Value::list(args.to_vec())));
    it.add("set", Signature::fixed(&[weir_gotemplate::ANY_MAP, Type::String, Type::Interface]), |_, args| {
        let map = args[0].as_map().ok_or_else(|| FuncError::new("assignment to entry in nil map"))?;
        map.set(args[1].as_str().unwrap().clone(), args[2].clone());
        Ok(args[0].clone())
    });
    it.add("nilmapfn", Signature::NONE, |_, _| Ok(Value::NilOf(weir_gotemplate::ANY_MAP)));
    it
}
