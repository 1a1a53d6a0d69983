/// The one place where a bug of ours stops the program.
///
/// Two kinds of wrong: a fact of the world is a value (`Problem`, `Result`); a broken promise between our own
/// functions is a bug, and `require` stops. The same source builds without exceptions for the browser.
#pragma once

namespace jobwatchdog {

/// Stops the program when `condition` is false. `text` says what was promised; a debugger shows it.
void require(bool condition, const char* text);

}  // namespace jobwatchdog
