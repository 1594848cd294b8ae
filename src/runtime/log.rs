//! Messages for the host program. Nothing is printed; without a listener messages are dropped.

use std::cell::RefCell;
use std::marker::PhantomData;
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

thread_local! {
    /// Messages of this thread that wait.
    static HELD: RefCell<Option<Vec<(Level, String)>>> = const { RefCell::new(None) };
}

/// A time during which this thread's messages wait: a listener may call the library, which would wait for a lock that the
/// thread holds. To be begun before the lock is taken.
#[derive(Debug)]
pub struct Hold {
    outermost: bool,
    /// It ends on the thread that it began on.
    _of_this_thread: PhantomData<*const ()>,
}

impl Hold {
    /// From now on.
    pub fn begin() -> Self {
        let begun = HELD.try_with(|held| {
            let mut held = held.try_borrow_mut().ok()?;
            let outermost = held.is_none();
            held.get_or_insert_default();
            Some(outermost)
        });
        let outermost = matches!(begun, Ok(Some(true)));
        Hold { outermost, _of_this_thread: PhantomData }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.outermost {
            let held = HELD.try_with(RefCell::take).ok().flatten();
            for (level, text) in held.unwrap_or_default() {
                message(level, &text);
            }
        }
    }
}

/// Passes a message to the listener.
pub fn message(level: Level, text: &str) {
    let waits = HELD.try_with(|held| match held.try_borrow_mut().ok()?.as_mut() {
        Some(held) => {
            held.push((level, text.to_owned()));
            Some(())
        }
        None => None,
    });
    if let Ok(Some(())) = waits {
        return;
    }
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
