import Driver

runFuzzer(fuzz)
