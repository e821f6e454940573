#include "textflag.h"

// The fields of a step.
#define STEP_NUMBER 0(R19)
#define STEP_ARG0 8(R19)
#define STEP_ARG1 16(R19)
#define STEP_ARG2 24(R19)
#define STEP_ARG3 32(R19)
#define STEP_ARG4 40(R19)
#define STEP_FLAGS 48(R19)
#define STEP_RESULT 56(R19)
#define STEP_SIZE 64

// func vforkSteps(args *cloneArgs, size uintptr, steps *step) int
//
// The child has the stack of the thread that waits for it, so it keeps all that it needs in registers: R19 is its step, R20 the last result.
TEXT ·vforkSteps(SB),NOSPLIT,$0-32
	MOVD	args+0(FP), R0
	MOVD	size+8(FP), R1
	MOVD	steps+16(FP), R19
	MOVD	ZR, R20
	MOVD	$435, R8	// clone3
	SVC
	CBZ	R0, child
	MOVD	R0, ret+24(FP)
	RET

child:
	MOVD	STEP_NUMBER, R8
	MOVD	STEP_ARG0, R0
	MOVD	STEP_FLAGS, R21
	TBZ	$1, R21, arguments
	MOVD	R20, R0

arguments:
	MOVD	STEP_ARG1, R1
	MOVD	STEP_ARG2, R2
	MOVD	STEP_ARG3, R3
	MOVD	STEP_ARG4, R4
	MOVD	ZR, R5
	SVC
	MOVD	R0, R20
	CMN	$4095, R0
	BCC	next
	TBNZ	$0, R21, next
	MOVD	R0, STEP_RESULT
	MOVD	$94, R8	// exit_group
	MOVD	$253, R0
	SVC

next:
	ADD	$STEP_SIZE, R19
	B	child
