// Compiles libs/pch.h once.
