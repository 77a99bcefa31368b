# The program of a daemon, as the units start it and the build checks its flags. The package has each with a JIT, too.
{ cfg, lib }: role: lib.getExe' (lib.getOutput role cfg.package) "natpmp-${role}${lib.optionalString cfg.jit "-jit"}"
