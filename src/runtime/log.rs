//! Messages for the host program. Nothing is printed; without a listener messages are dropped.

use std::sync::{Arc, RwLock};

/// How much a message matters. A listener gets its own level and everything more severe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Level {
    /// Something failed inside the library.
    Error = 1,
    /// Something surprising that did not fail.
    Warning = 2,
    /// What the library does.
    Info = 3,
}

/// Receives messages; may be called from any thread, one call at a time per thread.
pub type Listener = Arc<dyn Fn(Level, &str) + Send + Sync>;

static LISTENER: RwLock<Option<(Level, Listener)>> = RwLock::new(None);

/// Sets who hears messages of `level` and above, or nobody.
pub fn set_listener(listener: Option<(Level, Listener)>) {
    *LISTENER.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = listener;
}

/// Passes a message to the listener.
pub fn message(level: Level, text: &str) {
    // The lock is released before the call, so that a listener may itself set the listener.
    let listener = LISTENER.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
    if let Some((most, listener)) = listener
        && level <= most
    {
        listener(level, text);
    }
}

/// A message about what the library does.
pub fn info(text: &str) {
    message(Level::Info, text);
}

/// A message about something surprising that did not fail.
pub fn warning(text: &str) {
    message(Level::Warning, text);
}

/// A message about a failure inside the library.
pub fn error(text: &str) {
    message(Level::Error, text);
}
