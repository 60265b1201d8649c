//! What needs files on disk: goldens recorded from the real helm, hostile charts.

mod files;
mod golden;
mod hostile;
mod record;
