// The signals of a launch.
#pragma once

namespace emu {

// From here to restore_signals() a faulty kernel ends its launch, and so does one that takes so many seconds of CPU time.
void catch_signals(bool checked, double seconds);
void restore_signals();
void give_signal_stack();         // to the calling OS thread, whose own may be full
void leave_signals_to_python();   // all but those of a faulty kernel, in the calling OS thread
void interrupt_workers(int number);  // launch.cpp: sends a signal to all OS threads of the launch

}  // namespace emu
