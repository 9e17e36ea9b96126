"""One module per stage: hands the settings to the stage's service and runs it as a program until it is stopped."""
