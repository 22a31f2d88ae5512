// Includes ROUTINES once for each element type. Inside, T is the type and R its real type. For T = complex<float>:
// NAME(gemm) is cublasCgemm_v2, PLAIN(geam) cublasCgeam, RESULT(nrm2) cublasScnrm2_v2 (its result is real),
// INDEX(amax) cublasIcamax_v2, BY_REAL(scal) cublasCsscal_v2; the same with _TEXT are the names in reports.
#define JOIN_(a, b, c, d) a##b##c##d
#define JOIN(a, b, c, d) JOIN_(a, b, c, d)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)
#define NAME(routine) JOIN(cublas, LETTER, routine, _v2)
#define PLAIN(routine) JOIN(cublas, LETTER, routine, )
#define RESULT(routine) JOIN(cublas, RESULT_LETTERS, routine, _v2)
#define INDEX(routine) JOIN(cublasI, SMALL_LETTER, routine, _v2)
#define BY_REAL(routine) JOIN(cublas, REAL_LETTERS, routine, _v2)
#define NAME_TEXT(routine) "cublas" TEXT(LETTER) #routine
#define RESULT_TEXT(routine) "cublas" TEXT(RESULT_LETTERS) #routine
#define INDEX_TEXT(routine) "cublasI" TEXT(SMALL_LETTER) #routine
#define BY_REAL_TEXT(routine) "cublas" TEXT(REAL_LETTERS) #routine

#define COMPLEX 0
#define LETTER S
#define SMALL_LETTER s
#define RESULT_LETTERS S
namespace emu::type_S {
using T = float;
using R = float;
#include ROUTINES
}  // namespace emu::type_S
#undef LETTER
#undef SMALL_LETTER
#undef RESULT_LETTERS

#define LETTER D
#define SMALL_LETTER d
#define RESULT_LETTERS D
namespace emu::type_D {
using T = double;
using R = double;
#include ROUTINES
}  // namespace emu::type_D
#undef LETTER
#undef SMALL_LETTER
#undef RESULT_LETTERS
#undef COMPLEX

#define COMPLEX 1
#define LETTER C
#define SMALL_LETTER c
#define RESULT_LETTERS Sc
#define REAL_LETTERS Cs
namespace emu::type_C {
using T = std::complex<float>;
using R = float;
#include ROUTINES
}  // namespace emu::type_C
#undef LETTER
#undef SMALL_LETTER
#undef RESULT_LETTERS
#undef REAL_LETTERS

#define LETTER Z
#define SMALL_LETTER z
#define RESULT_LETTERS Dz
#define REAL_LETTERS Zd
namespace emu::type_Z {
using T = std::complex<double>;
using R = double;
#include ROUTINES
}  // namespace emu::type_Z
