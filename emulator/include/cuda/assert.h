// As C has it: each #include looks at NDEBUG anew, so no guard.
#undef assert
#ifdef NDEBUG
#define assert(condition) ((void)0)
#else
#define assert(condition) ((condition) ? (void)0 : emu_assert_failed(#condition, __FILE__, __LINE__, __func__))
#endif
