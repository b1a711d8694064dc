// Package greet greets.
package greet

// Hello greets somebody.
func Hello(name string) string { return "Hello, " + name + "!" }

// Bye is of no use to the program.
func Bye(name string) string { return "Bye, " + name + "." }
