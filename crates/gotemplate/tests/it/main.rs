//! The engine against answers recorded from Go 1.26's text/template.

mod bounds;
mod cases;
mod fuzz;
mod nested;
mod original;
mod sprig;
