// Package usage measures the CPU time and the memory of processes.
//
//	cpu, peak := usage.Self()
//	peak = usage.Peak(cmd.ProcessState)
//
// Where the system does not tell, the figures are 0.
package usage
