#ifndef PLUMB_POLICY_KERNELS_CPU_ISA_H_
#define PLUMB_POLICY_KERNELS_CPU_ISA_H_

// The instruction-set classes that the CPU kernels are compiled for. Results are the same, to the bit, between machines
// that run one class; two classes may differ in the last bits. This header is included by sources that are compiled for
// one class: it may include nothing whose inline functions could end up in the rest of the program.
namespace plumb::cpu {

enum class Isa {
  kAvx2,    // AVX2 and FMA
  kAvx512,  // AVX-512 F, BW, DQ and VL
};

// "avx2", "avx512"
const char* IsaName(Isa isa);

// Whether this machine can run the class.
bool CpuSupports(Isa isa);

// The class that kernels run in this process: what SelectIsa() chose, or, before it was called, its default. Ends the
// program where there is none; programs call SelectIsa() first and get an error instead. Thread-safe.
Isa ActiveIsa();

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_ISA_H_
