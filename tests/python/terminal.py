"""Runs a command in a terminal, and types a line when it asks: terminal.py LINE COMMAND..."""
import os
import pty
import sys

line, command = sys.argv[1], sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(command[0], command)
said = b""
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:  # the child has closed its side
        break
    if not part:
        break
    said += part
    if b"Type yes: " in said and line:
        os.write(terminal, line.encode() + b"\n")
        line = ""
_, status = os.waitpid(child, 0)
sys.stdout.write(said.decode())
sys.exit(os.waitstatus_to_exitcode(status))
