//! What can be said of an expression before it is evaluated.

use std::collections::BTreeSet;

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, operators};

/// What an expression may use and must give.
#[derive(Clone, Copy, Debug, Default)]
pub struct Declared<'a> {
    /// The variables that exist.
    pub variables: &'a [&'a str],
    /// The CEL name of the type that the result must have, for example `bool`; none is any.
    pub output: Option<&'a str>,
}

/// Names that are types, and namespaces of functions.
const NAMES: [&str; 19] = [
    "bool",
    "bytes",
    "double",
    "dyn",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "type",
    "uint",
    "timestamp",
    "duration",
    "google",
    "base64",
    "optional",
    "optional_type",
    "sets",
    "strings",
];

/// Every function that an expression can call by name.
const FUNCTIONS: [&str; 60] = [
    "base64.decode",
    "base64.encode",
    "bool",
    "bytes",
    "charAt",
    "contains",
    "double",
    "duration",
    "dyn",
    "endsWith",
    "format",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "hasValue",
    "indexOf",
    "int",
    "join",
    "lastIndexOf",
    "lowerAscii",
    "matches",
    "max",
    "min",
    "optFlatMap",
    "optMap",
    "optional.none",
    "optional.of",
    "optional.ofNonZeroValue",
    "or",
    "orValue",
    "quote",
    "replace",
    "reverse",
    "sets.contains",
    "sets.equivalent",
    "sets.intersects",
    "size",
    "split",
    "startsWith",
    "string",
    "strings.quote",
    "substring",
    "timestamp",
    "trim",
    "type",
    "uint",
    "unwrap",
    "unwrapOpt",
    "upperAscii",
    "value",
    "first",
    "last",
    "in",
];

/// The variables that an expression reads and does not bind itself.
pub(crate) fn free_variables(tree: &IdedExpr) -> BTreeSet<String> {
    let mut free = BTreeSet::new();
    walk(tree, &mut Vec::new(), &mut |node, bound| {
        if let Expr::Ident(name) = &node.expr
            && !bound.iter().any(|b| b == name)
        {
            free.insert(name.clone());
        }
    });
    free
}

/// What the declaration does not allow, if anything.
pub(crate) fn problem(tree: &IdedExpr, free: &BTreeSet<String>, declared: &Declared<'_>) -> Option<String> {
    let known = |name: &str| declared.variables.contains(&name) || NAMES.contains(&name);
    if let Some(name) = free.iter().find(|name| !known(name)) {
        return Some(format!("undeclared reference to '{name}' (in container '')"));
    }
    let mut unknown = None;
    walk(tree, &mut Vec::new(), &mut |node, _| {
        if let Expr::Call(call) = &node.expr {
            let name = match call.target.as_deref().map(|target| &target.expr) {
                Some(Expr::Ident(space)) if NAMES.contains(&space.as_str()) => format!("{space}.{}", call.func_name),
                _ => call.func_name.clone(),
            };
            let operator = name.starts_with(|c: char| !c.is_ascii_alphabetic());
            if !operator && !FUNCTIONS.contains(&name.as_str()) {
                unknown.get_or_insert(name);
            }
        }
    });
    if let Some(name) = unknown {
        return Some(format!("undeclared reference to '{name}' (in container '')"));
    }
    match (declared.output, certain_type(tree)) {
        (Some(expected), Some(got)) if expected != got => {
            Some(format!("CEL expression output type mismatch: expected {expected}, got {got}"))
        }
        _ => None,
    }
}

/// The type of the result where it follows from the form alone.
fn certain_type(tree: &IdedExpr) -> Option<&'static str> {
    match &tree.expr {
        Expr::Literal(LiteralValue::Boolean(_)) => Some("bool"),
        Expr::Literal(LiteralValue::String(_)) => Some("string"),
        Expr::Literal(LiteralValue::Int(_)) => Some("int"),
        Expr::Literal(LiteralValue::UInt(_)) => Some("uint"),
        Expr::Literal(LiteralValue::Double(_)) => Some("double"),
        Expr::Literal(LiteralValue::Bytes(_)) => Some("bytes"),
        Expr::Literal(LiteralValue::Null) => Some("null"),
        Expr::List(_) => Some("list"),
        Expr::Map(_) => Some("map"),
        Expr::Select(select) if select.test => Some("bool"),
        Expr::Call(call) => match call.func_name.as_str() {
            operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT | operators::EQUALS => Some("bool"),
            operators::NOT_EQUALS | operators::LESS | operators::LESS_EQUALS | operators::GREATER => Some("bool"),
            operators::GREATER_EQUALS | operators::IN | "startsWith" | "endsWith" | "matches" | "contains" => {
                Some("bool")
            }
            "size" | "int" | "indexOf" | "lastIndexOf" => Some("int"),
            "string" | "lowerAscii" | "upperAscii" | "trim" | "replace" | "join" | "format" | "substring" => {
                Some("string")
            }
            _ => None,
        },
        _ => None,
    }
}

/// Visits every node, with the names that comprehensions around it bind.
fn walk(node: &IdedExpr, bound: &mut Vec<String>, visit: &mut dyn FnMut(&IdedExpr, &[String])) {
    visit(node, bound);
    match &node.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
        Expr::Call(call) => {
            call.target.iter().for_each(|target| walk(target, bound, visit));
            call.args.iter().for_each(|arg| walk(arg, bound, visit));
        }
        Expr::Comprehension(c) => {
            walk(&c.iter_range, bound, visit);
            walk(&c.accu_init, bound, visit);
            let before = bound.len();
            bound.extend([c.iter_var.clone(), c.accu_var.clone()]);
            bound.extend(c.iter_var2.clone());
            walk(&c.loop_cond, bound, visit);
            walk(&c.loop_step, bound, visit);
            walk(&c.result, bound, visit);
            bound.truncate(before);
        }
        Expr::List(list) => list.elements.iter().for_each(|element| walk(element, bound, visit)),
        Expr::Map(map) => map.entries.iter().for_each(|entry| walk_entry(&entry.expr, bound, visit)),
        Expr::Struct(message) => message.entries.iter().for_each(|entry| walk_entry(&entry.expr, bound, visit)),
        Expr::Select(select) => walk(&select.operand, bound, visit),
    }
}

fn walk_entry(entry: &EntryExpr, bound: &mut Vec<String>, visit: &mut dyn FnMut(&IdedExpr, &[String])) {
    match entry {
        EntryExpr::StructField(field) => walk(&field.value, bound, visit),
        EntryExpr::MapEntry(pair) => {
            walk(&pair.key, bound, visit);
            walk(&pair.value, bound, visit);
        }
    }
}
