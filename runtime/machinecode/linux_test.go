//go:build linux && amd64

package machinecode_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/internal/nocode"
	"github.com/deploy-kernel/deploy-kernel/runtime/machinecode"
)

// cpuinfo returns the first value of each key in /proc/cpuinfo.
func cpuinfo(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Skip("/proc/cpuinfo isn't here")
	}
	values := map[string]string{}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		key = strings.TrimSpace(key)
		if _, ok := values[key]; !ok {
			values[key] = strings.TrimSpace(value)
		}
	}
	return values
}

func TestTheProcessorIsTheOneThatLinuxSees(t *testing.T) {
	cpu, err := machinecode.Detect()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", cpu)
	info := cpuinfo(t)
	family, model := strconv.Itoa(cpu.Family), strconv.Itoa(cpu.Model)
	if cpu.Vendor != info["vendor_id"] || family != info["cpu family"] || model != info["model"] || cpu.Name != info["model name"] {
		t.Errorf("%+v, Linux has %q, %q, %q and %q", cpu, info["vendor_id"], info["cpu family"], info["model"], info["model name"])
	}
	const l2 = "/sys/devices/system/cpu/cpu0/cache/index2/size"
	if size, err := os.ReadFile(l2); err == nil && strings.TrimSpace(string(size)) != fmt.Sprintf("%dK", cpu.L2>>10) {
		t.Errorf("%+v, %s has %s", cpu, l2, size)
	}
	flags := strings.Fields(info["flags"])
	all := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(flags, n) })
	}
	avx2 := all("avx2", "fma", "f16c", "bmi1", "bmi2", "abm", "popcnt")
	if cpu.AVX2 != avx2 || cpu.AVX512 != (avx2 && all("avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl")) {
		t.Errorf("%+v, Linux has the flags %v", cpu, flags)
	}
}

func TestNoMemoryIsWritableAndExecutable(t *testing.T) {
	load(t)
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skip("/proc/self/maps isn't here")
	}
	for line := range strings.Lines(string(maps)) {
		if fields := strings.Fields(line); len(fields) > 1 && strings.Contains(fields[1], "wx") {
			t.Error(line)
		}
	}
}

func TestASystemThatDeniesExecutableMemoryIsNamed(t *testing.T) {
	nocode.Run(t, func() {
		_, err := machinecode.Load[sums]("sums", []byte{0xc3})
		if !errors.Is(err, machinecode.ErrDenied) || !strings.Contains(err.Error(), "sums") {
			t.Errorf("the error is %v", err)
		}
		if _, err := machinecode.Detect(); !errors.Is(err, machinecode.ErrDenied) {
			t.Errorf("asking the processor: %v", err)
		}
	})
}
