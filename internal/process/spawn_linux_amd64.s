#include "textflag.h"

// The fields of a step.
#define STEP_NUMBER 0(R12)
#define STEP_ARG0 8(R12)
#define STEP_ARG1 16(R12)
#define STEP_ARG2 24(R12)
#define STEP_ARG3 32(R12)
#define STEP_ARG4 40(R12)
#define STEP_FLAGS 48(R12)
#define STEP_RESULT 56(R12)
#define STEP_SIZE 64

// func vforkSteps(args *cloneArgs, size uintptr, steps *step) int
//
// The child has the stack of the thread that waits for it, so it keeps all that it needs in registers: R12 is its step, R13 the last result.
TEXT ·vforkSteps(SB),NOSPLIT,$0-32
	MOVQ	args+0(FP), DI
	MOVQ	size+8(FP), SI
	MOVQ	steps+16(FP), R12
	XORL	R13, R13
	MOVL	$435, AX	// clone3
	SYSCALL
	TESTQ	AX, AX
	JEQ	child
	MOVQ	AX, ret+24(FP)
	RET

child:
	MOVQ	STEP_NUMBER, AX
	MOVQ	STEP_ARG0, DI
	TESTQ	$2, STEP_FLAGS
	JEQ	arguments
	MOVQ	R13, DI

arguments:
	MOVQ	STEP_ARG1, SI
	MOVQ	STEP_ARG2, DX
	MOVQ	STEP_ARG3, R10
	MOVQ	STEP_ARG4, R8
	XORL	R9, R9
	SYSCALL
	MOVQ	AX, R13
	CMPQ	AX, $0xfffffffffffff001
	JCS	next
	TESTQ	$1, STEP_FLAGS
	JNE	next
	MOVQ	AX, STEP_RESULT
	MOVL	$231, AX	// exit_group
	MOVL	$253, DI
	SYSCALL

next:
	ADDQ	$STEP_SIZE, R12
	JMP	child
