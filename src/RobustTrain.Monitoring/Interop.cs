using System.Runtime.CompilerServices;

// All native calls take plain values and pointers, so that their stubs can be compiled ahead of time like the rest.
[assembly: DisableRuntimeMarshalling]
