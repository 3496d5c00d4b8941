"""Java artifacts, the compiler, and how JVMs are started."""
