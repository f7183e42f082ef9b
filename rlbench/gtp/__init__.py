"""GTP server: our players for any Go program that speaks the Go Text Protocol, version 2.

protocol   commands and answers as text; knows no Go
server     the commands of a game of Go
handicap   where handicap stones stand
players    who plays: a submission behind the process boundary, or a built-in player
"""
