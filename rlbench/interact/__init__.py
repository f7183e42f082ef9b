"""Playing by hand, watching agents, and recording: one environment or several as pictures in a window or a file.

    episode, trace              an episode as it is played, and as a file from which it can be played again
    play, watch                 a person plays; an agent plays in its own process
    panel, layout, grid         pictures: the panel beside a frame, one episode, several episodes as tiles
    screen, scripted_keys       where pictures go: a window and its keys, or keys from the command line
    recorder, filmstrip         films (.mp4, .gif) and filmstrips (.png)
    game_file                   games of Go (.sgf)

It imports `drawing`, `controls` and `harness`. No window is opened but by `screen`.
"""
