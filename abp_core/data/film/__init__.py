"""Films: hostile files to frames. What was done to a film is said in notes.

`read.py` is where one asks for a film; whatever the file is, it becomes what `frames.py` tells of.
Zips, folders and arrays of frames are read by whoever asks (`pictures.py`). Videos are decoded in a
process of their own, the child, which has little time and memory. The parent begins and ends it
(`asking.py`) and believes nothing that was not asked for (`hearing.py`); what they say to each
other is in `protocol.py`.

The child begins in `child.py`. Of a video, `opening.py` has ffmpeg open the file, `listing.py`
looks at its time stamps, `video.py` decodes and sends its frames, and `views.py` shows each as it
is seen, with `colours.py` where it is brighter than a common screen. Animated WebPs are Pillow's
(`webp.py`). `bounds.py` says what either must be. None of these imports anything of ours from
outside this package, and only a WebP brings in Pillow.

Which frames are taken, and at what size, is the same for all (`choosing.py`).
"""
