//! Turns a panic inside the tokenizers crate into a value, without a word on the terminal.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Sync + Send + 'static>;

/// The tokenizers crate panicked.
///
/// The panic's message is dropped: one about a string index quotes the string, which may be a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Panicked;

/// Runs `work`, which calls into the tokenizers crate.
///
/// That crate indexes and unwraps on the word of `tokenizer.json` in dozens of places which cannot
/// all be checked from outside. Nothing broken stays behind: `work` either only reads the
/// tokenizer, or builds one that is thrown away after a panic.
pub(super) fn contained<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    // The hook can be neither read nor set while this thread unwinds.
    if !std::thread::panicking() {
        HOOK.call_once(|| panic::set_hook(quiet(panic::take_hook())));
    }
    let outer = CONTAINED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    CONTAINED.set(outer);
    result.map_err(|_| Panicked)
}

/// `hook`, except for panics on a thread that is inside [`contained`].
fn quiet(hook: Hook) -> Hook {
    Box::new(move |info| {
        // While a thread ends its locals are gone, and so is the work that could be contained.
        if !CONTAINED.try_with(Cell::get).unwrap_or(false) {
            hook(info);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_contained_panic_reaches_no_hook_and_others_do() {
        let me = std::thread::current().id();
        let heard = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&heard);
        let before = panic::take_hook();
        panic::set_hook(quiet(Box::new(move |info| {
            if std::thread::current().id() == me {
                counter.fetch_add(1, Ordering::SeqCst);
            } else {
                before(info);
            }
        })));

        assert_eq!(contained(|| 7), Ok(7));
        assert_eq!(contained(|| -> u8 { panic!("note text") }), Err(Panicked));
        assert!(HOOK.is_completed());
        assert_eq!(heard.load(Ordering::SeqCst), 0);

        // A contained call inside another one does not lift the silence of the outer one.
        let nested = contained(|| {
            assert_eq!(contained(|| ()), Ok(()));
            panic!("note text");
        });
        assert_eq!(nested, Err(Panicked));
        assert_eq!(heard.load(Ordering::SeqCst), 0);

        panic::catch_unwind(|| panic!("a bug of ours")).unwrap_err();
        assert_eq!(heard.load(Ordering::SeqCst), 1);
    }
}
