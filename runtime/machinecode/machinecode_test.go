package machinecode_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/internal/guardpage"
	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/machinecode"
)

// sums is the argument of a function that adds up N float32 values by 8 lanes.
type sums struct {
	X   *float32
	N   int // a multiple of 8
	Out [8]float32
}

// load returns the function, which overwrites all registers that it may.
func load(t testing.TB) func(*sums) {
	t.Helper()
	needAVX2(t)
	var a amd64.Assembler
	a.MOV(amd64.RBX, amd64.At(amd64.RAX))
	a.MOV(amd64.RSI, amd64.At(amd64.RAX).Plus(8))
	for i := range 16 {
		a.VXORPS(amd64.Y(i), amd64.Y(i), amd64.Y(i))
	}
	loop := a.NewLabel()
	a.Bind(loop)
	a.VADDPS(amd64.Y(7), amd64.Y(7), amd64.At(amd64.RBX))
	a.ADD(amd64.RBX, amd64.Imm(32))
	a.SUB(amd64.RSI, amd64.Imm(8))
	a.JNZ(loop)
	a.VMOVUPS(amd64.At(amd64.RAX).Plus(16), amd64.Y(7))
	a.VCMPPS(amd64.Y(15), amd64.Y(15), amd64.Y(15), amd64.Equal) // all ones
	for _, r := range []amd64.Reg{amd64.RAX, amd64.RBX, amd64.RCX, amd64.RDX, amd64.RSI, amd64.RDI, amd64.R8, amd64.R9, amd64.R10, amd64.R11, amd64.R12, amd64.R13} {
		a.MOV(r, amd64.Imm(-1))
	}
	machinecode.Return(&a)
	code, err := a.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	f, err := machinecode.Load[sums]("sums", code)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func needAVX2(t testing.TB) {
	t.Helper()
	switch cpu, err := machinecode.Detect(); {
	case errors.Is(err, machinecode.ErrUnsupported):
		t.Skip("this system runs no machine code")
	case err != nil:
		t.Fatal(err)
	case !cpu.AVX2:
		t.Skip("this processor has no AVX2")
	}
}

func TestFunctionsComputeAndKeepGosRegisters(t *testing.T) {
	f := load(t)
	x := make([]float32, 80)
	for i := range x {
		x[i] = float32(i)
	}
	args := &sums{X: &x[0], N: len(x)}
	a, b, c, name := 1.5, 2.5, len(x), "kept"
	f(args)
	if a+b != 4 || c != 80 || name != "kept" {
		t.Error("the call changed variables")
	}
	for i, v := range args.Out {
		if want := float32(10*i + 8*45); v != want {
			t.Errorf("sum %d is %v, want %v", i, v, want)
		}
	}
}

// Goroutines call a function while the garbage collector, profiling and the
// scheduler interrupt them.
func TestCallsSurviveCollectionsProfilesAndPreemption(t *testing.T) {
	f := load(t)
	duration := 1500 * time.Millisecond
	if os.Getenv("DEPLOY_KERNEL_LONG") == "1" {
		duration = time.Minute
	}
	if err := pprof.StartCPUProfile(new(bytes.Buffer)); err != nil {
		t.Logf("without a profile: %v", err)
	} else {
		defer pprof.StopCPUProfile()
	}
	end := time.Now().Add(duration)
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			deep(g*7, func() {
				args, calls := new(sums), 0
				for ; time.Now().Before(end); calls++ {
					x := make([]float32, 8*(1+calls%5000)) // garbage
					for i := range x {
						x[i] = float32(g + 1)
					}
					args.X, args.N = &x[0], len(x)
					f(args)
					for i, v := range args.Out {
						if want := float32((g + 1) * len(x) / 8); v != want {
							t.Errorf("sum %d is %v, want %v", i, v, want)
							return
						}
					}
				}
			})
		})
	}
	collections := 0
	for ; time.Now().Before(end); collections++ {
		runtime.GC()
		debug.FreeOSMemory()
	}
	group.Wait()
	if collections == 0 {
		t.Error("no collection ran")
	}
}

// deep calls f below n more frames.
func deep(n int, f func()) {
	if n == 0 {
		f()
		return
	}
	deep(n-1, f)
}

func TestFaultsArePanics(t *testing.T) {
	f := load(t)
	for range 3 {
		err := recovered(func() { f(&sums{N: 8}) })
		if err == nil || !strings.Contains(err.Error(), "nil pointer") {
			t.Errorf("reading address 0: %v", err)
		}
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	x := guardpage.Floats(t, 16, guardpage.Behind)
	if err := recovered(func() { f(&sums{X: &x[0], N: 16}) }); err != nil {
		t.Errorf("reading what is there: %v", err)
	}
	if runtime.GOOS != "windows" {
		if err := recovered(func() { f(&sums{X: &x[0], N: 24}) }); err == nil {
			t.Error("reading behind the memory is no fault")
		}
	}
	runtime.GC()
}

func recovered(f func()) (err error) {
	defer func() {
		if e, ok := recover().(error); ok {
			err = e
		}
	}()
	f()
	return nil
}

func TestCodeIsDumpedForADisassembler(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "code")
	t.Setenv(machinecode.Variable, dir)
	load(t)
	file := filepath.Join(dir, "sums.bin")
	if info, err := os.Stat(file); err != nil || info.Size() == 0 {
		t.Fatal(err)
	}
	objdump, err := exec.LookPath("objdump")
	if err != nil {
		t.Skip("objdump of binutils isn't here")
	}
	out, err := exec.Command(objdump, "-D", "-b", "binary", "-mi386:x86-64", "-Mintel", file).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "vaddps ymm7,ymm7") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAFolderThatCannotBeWrittenIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(machinecode.Variable, file)
	if _, err := machinecode.Load[sums]("sums", []byte{0xc3}); err == nil || !strings.Contains(err.Error(), machinecode.Variable) {
		t.Error(err)
	}
}

func TestEmptyCodeIsRefused(t *testing.T) {
	if _, err := machinecode.Load[sums]("nothing", nil); err == nil {
		t.Error("it was loaded")
	}
}

func ExampleLoad() {
	var a amd64.Assembler
	a.MOV(amd64.RCX, amd64.At(amd64.RAX))
	a.INC(amd64.RCX)
	a.MOV(amd64.At(amd64.RAX), amd64.RCX)
	a.RET() // no vector register has changed
	code, err := a.Bytes()
	if err != nil {
		fmt.Println(err)
		return
	}
	increment, err := machinecode.Load[int64]("increment", code)
	n := new(int64)
	if errors.Is(err, machinecode.ErrUnsupported) || errors.Is(err, machinecode.ErrDenied) {
		*n = 1
	} else {
		increment(n)
	}
	fmt.Println(*n)
	// Output: 1
}
