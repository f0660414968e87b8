#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Says each MESSAGE to who listens on PATH, and prints the answers: "" when there is none.

cni_say.py PATH MESSAGE...      "+fd" behind an answer: a descriptor came along
A message "@FILE" is what the file holds; with "&" in front, standard input goes along.
"""
import array
import os
import socket
import sys


def message(word):
    if word.startswith("@"):
        with open(word[1:], "rb") as file:
            return file.read()
    return os.fsencode(word)


def receive(sock):
    answer, control, _, _ = sock.recvmsg(256, socket.CMSG_SPACE(4))
    for _, kind, data in control:
        if kind == socket.SCM_RIGHTS:
            os.close(array.array("i", data)[0])
            return answer.decode() + "+fd"
    return answer.decode()


def main():
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.settimeout(5)
    sock.connect(sys.argv[1])
    for word in sys.argv[2:]:
        rights = []
        if word.startswith("&"):
            word = word[1:]
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))]
        try:
            sock.sendmsg([message(word)], rights)
            print(receive(sock))
        except (BrokenPipeError, ConnectionResetError):
            print("")


main()
