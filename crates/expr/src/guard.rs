//! Puts the budget into an expression: what loops, scans or grows pays for it.

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};

/// Expressions within expressions, operators in a row included.
const MAX_DEPTH: usize = 200;

/// The largest precision that `format` takes.
const MAX_PRECISION: usize = 100;

/// Namespaces of functions: not values that could be paid for.
const NAMESPACES: [&str; 4] = ["base64", "optional", "sets", "strings"];

/// The same expression with the budget in it.
pub(crate) fn guarded(mut tree: IdedExpr) -> Result<IdedExpr, String> {
    if depth(&tree) > MAX_DEPTH {
        return Err(format!("more than {MAX_DEPTH} operators or calls within each other"));
    }
    guard(&mut tree)?;
    Ok(tree)
}

/// How deep a tree is.
pub(crate) fn depth(node: &IdedExpr) -> usize {
    let entry = |entry: &EntryExpr| match entry {
        EntryExpr::StructField(field) => depth(&field.value),
        EntryExpr::MapEntry(pair) => depth(&pair.key).max(depth(&pair.value)),
    };
    let below = match &node.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => 0,
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).map(depth).max().unwrap_or(0),
        Expr::Comprehension(c) => {
            let parts = [&c.iter_range, &c.accu_init, &c.loop_cond, &c.loop_step, &c.result];
            parts.into_iter().map(depth).max().unwrap_or(0)
        }
        Expr::List(list) => list.elements.iter().map(depth).max().unwrap_or(0),
        Expr::Map(map) => map.entries.iter().map(|e| entry(&e.expr)).max().unwrap_or(0),
        Expr::Struct(message) => message.entries.iter().map(|e| entry(&e.expr)).max().unwrap_or(0),
        Expr::Select(select) => depth(&select.operand),
    };
    below + 1
}

/// Guards a node and all below it; gives the number of nodes.
fn guard(node: &mut IdedExpr) -> Result<i64, String> {
    let mut nodes = 1;
    match &mut node.expr {
        Expr::Unspecified => return Err("not an expression".to_owned()),
        Expr::Ident(_) | Expr::Literal(_) => {}
        Expr::Call(call) => {
            if let Some(target) = &mut call.target {
                nodes += guard(target)?;
            }
            for arg in &mut call.args {
                nodes += guard(arg)?;
            }
            if guard_call(call)? {
                spend(node, 1);
            }
        }
        Expr::Comprehension(comprehension) => nodes += guard_loop(comprehension)?,
        Expr::List(list) => {
            for element in &mut list.elements {
                nodes += guard(element)?;
            }
        }
        Expr::Map(map) => {
            for entry in &mut map.entries {
                nodes += guard_entry(&mut entry.expr)?;
            }
        }
        Expr::Struct(message) => {
            for entry in &mut message.entries {
                nodes += guard_entry(&mut entry.expr)?;
            }
        }
        Expr::Select(select) => nodes += guard(&mut select.operand)?,
    }
    Ok(nodes)
}

fn guard_entry(entry: &mut EntryExpr) -> Result<i64, String> {
    match entry {
        EntryExpr::StructField(field) => guard(&mut field.value),
        EntryExpr::MapEntry(pair) => Ok(guard(&mut pair.key)? + guard(&mut pair.value)?),
    }
}

/// Makes a call pay for what it reads; says whether its result has to be paid for as well.
fn guard_call(call: &mut CallExpr) -> Result<bool, String> {
    match call.func_name.as_str() {
        operators::CONDITIONAL | operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT => Ok(false),
        operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT | operators::NOT_STRICTLY_FALSE => Ok(false),
        operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE | operators::MODULO | operators::NEGATE => {
            Ok(false)
        }
        operators::ADD => Ok(true),
        name if name.starts_with('@') || name.starts_with('_') => {
            call.args.iter_mut().for_each(pay);
            Ok(false)
        }
        _ => guard_function(call),
    }
}

fn guard_function(call: &mut CallExpr) -> Result<bool, String> {
    // `matches(text, pattern)` is the same as `text.matches(pattern)`.
    if call.func_name == "matches" && call.target.is_none() && call.args.len() == 2 {
        call.target = Some(Box::new(call.args.remove(0)));
    }
    if call.func_name == "format" {
        check_format(call.target.as_deref())?;
    }
    if let "matches" | "replace" | "join" = call.func_name.as_str()
        && call.target.is_some()
    {
        call.func_name.insert(0, '@');
    }
    let namespaced = matches!(call.target.as_deref().map(|t| &t.expr),
        Some(Expr::Ident(name)) if NAMESPACES.contains(&name.as_str()));
    if let Some(target) = call.target.as_deref_mut().filter(|_| !namespaced) {
        pay(target);
    }
    call.args.iter_mut().for_each(pay);
    Ok(true)
}

/// `format` only with a text that stands in the expression and asks for no absurd precision.
fn check_format(target: Option<&IdedExpr>) -> Result<(), String> {
    let Some(Expr::Literal(LiteralValue::String(text))) = target.map(|target| &target.expr) else {
        return Err("format needs a text that stands in the expression".to_owned());
    };
    for part in text.inner().split('.').skip(1) {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        if digits.len() > 3 || digits.parse::<usize>().unwrap_or(0) > MAX_PRECISION {
            return Err(format!("format takes a precision of at most {MAX_PRECISION}"));
        }
    }
    Ok(())
}

/// Makes an iteration pay for the nodes it evaluates, and ends the loop when nothing is left.
///
/// The forms of the interpreter's own macros are kept, since it recognises them; only what the user wrote in them is
/// wrapped.
fn guard_loop(c: &mut ComprehensionExpr) -> Result<i64, String> {
    let before = guard(&mut c.iter_range)? + guard(&mut c.accu_init)?;
    let accumulator = c.accu_var.clone();
    let inside = guard_step(&mut c.loop_step, &accumulator)?;
    if !matches!(c.loop_cond.expr, Expr::Literal(_)) {
        let id = c.loop_cond.id;
        let condition = std::mem::take(&mut c.loop_cond);
        c.loop_cond = global(id, operators::LOGICAL_AND, vec![global(id, "@alive", vec![]), condition]);
    }
    Ok(before + inside + guard(&mut c.result)?)
}

/// Guards a loop's step: `accumulator && body`, `body ? … : …`, `accumulator + [body]`, or anything else as a whole.
fn guard_step(step: &mut IdedExpr, accumulator: &str) -> Result<i64, String> {
    let Expr::Call(call) = &mut step.expr else { return guard(step) };
    let folds = matches!(call.args.first().map(|arg| &arg.expr), Some(Expr::Ident(name)) if name == accumulator);
    match (call.func_name.as_str(), call.args.as_mut_slice()) {
        (operators::LOGICAL_AND | operators::LOGICAL_OR, [_, body]) if folds => guard_body(body),
        (operators::CONDITIONAL, [condition, step, _]) => Ok(guard_body(condition)? + guard_step(step, accumulator)?),
        (operators::ADD, [_, IdedExpr { expr: Expr::List(list), .. }]) if folds => {
            let mut nodes = 0;
            for element in &mut list.elements {
                nodes += guard_body(element)?;
            }
            Ok(nodes)
        }
        (operators::ADD, _) if folds => Ok(1),
        _ => guard_body(step),
    }
}

fn guard_body(body: &mut IdedExpr) -> Result<i64, String> {
    let nodes = guard(body)?;
    spend(body, nodes);
    Ok(nodes)
}

/// Makes a value pay for its size, unless it is a literal.
fn pay(node: &mut IdedExpr) {
    if !matches!(node.expr, Expr::Literal(_)) {
        spend(node, 1);
    }
}

/// `node` becomes `@spend(steps, node)`.
fn spend(node: &mut IdedExpr, steps: i64) {
    let id = node.id;
    let value = std::mem::take(node);
    let steps = IdedExpr { id, expr: Expr::Literal(LiteralValue::Int(steps.into())) };
    *node = global(id, "@spend", vec![steps, value]);
}

fn global(id: u64, name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    IdedExpr { id, expr: Expr::Call(CallExpr { func_name: name.to_owned(), target: None, args }) }
}
