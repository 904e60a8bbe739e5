"""Every bound of the studio, with its reason. A public page must stay calm under a crowd."""

# A picture, sound or zip of a visitor; also what the server takes before it reads a byte of it.
UPLOAD_MB = 60

# Two runs share two cores at half speed each; a third would make all of them dull to watch.
RUNNING_JOBS = 2

# Runs that have ended and are kept in memory, to be gone on with at once: some hundred megabytes
# each. Of the others only what was saved is kept, from which they go on just as well.
KEPT_JOBS = 4

# A run is saved so often while it trains, so that a crash costs no more of it.
SECONDS_BETWEEN_SAVES = 15.0

# A card that broke needs a new process; so long the open pages have to hear why.
SECONDS_TO_TELL = 2.0

# Threads for heavy work beside the runs (files that are read, samples that are made), for pictures
# and sounds under the hand, for walks of inference, and for what takes next to nothing.
ASIDE = 2
LOOKERS = 2
WALKERS = 1
QUICK = 4

# Calls that wait for a turn: of one visitor (of more the oldest gives way; two models that are
# chosen one after the other ask for six things), of all together, and for how long.
WAITING_EACH = 6
WAITING_ALL = 60
SECONDS_WAITING = 15.0

# Events that the queue holds at once; they wait in the event loop and cost no thread.
QUEUE_PLACES = 400

# Minutes of training: long enough for every preset of ours, short enough that others get a turn.
MINUTES = (0.25, 20.0)
DEFAULT_MINUTES = 3.0

# What a visitor may ask of a run; beyond these a step takes seconds or memory runs out.
STEPS = (1, 60)
BATCH_SIZE = (1, 128)
EXAMPLES = (1, 2000)
SEED = (0, 2**53)  # what a browser can count to

# And of a saved model, whose network may be anything: multiplications of one small move, so that
# it takes about a second, and values held at once (all examples, the maps of a batch, the noise
# of a walk): 400 MB each. Its weights are bounded by the size of a file.
MULTIPLICATIONS = 40_000_000_000
VALUES = 100_000_000
NAME = 100  # letters

# A run that is used while it trains is looked at so often, and so long is waited for its answer:
# the snapshot before will do.
SECONDS_BETWEEN_SNAPSHOTS = 5.0
SECONDS_TO_SNAPSHOT = 2.0

# Nobody is looking: a reload takes a second or two, a closed page does not come back in thirty. A
# page that just falls silent may be one in the background, which browsers let speak once a minute.
SECONDS_UNTIL_STOP = 30.0
SECONDS_OF_SILENCE = 75.0
SECONDS_UNTIL_FORGOTTEN = 600.0

# Somebody sees the live pictures as long as a page has asked for them so lately.
SECONDS_OF_LOOKING = 5.0

# Who joins the queue and does not listen to what it answers is let go; what the framework keeps of
# a page that is gone, too.
SECONDS_UNHEARD = 30.0
SECONDS_OF_SESSION = 3600.0

# A paused run keeps its memory and its turn; after this it is stopped, and kept like any other.
SECONDS_PAUSED = 600.0

# Visitors remembered at once; an entry without a run is a few hundred bytes.
PAGES = 16  # of one visitor whose current models are kept
VISITORS = 1000

# Files that a visitor took home lie there until the visit is forgotten; only the newest few.
FILES_KEPT = 4

# Files on the disk: of all visitors together, of what one has made or, by address, brought within
# ten minutes; how long they lie, and how long an upload that was broken off does.
DISK_MB = 256
VISITOR_MB = 128
SECONDS_OF_BRINGING = 600.0
SECONDS_OF_FILES = 3600.0
SECONDS_OF_UPLOAD = 60.0

# What a request may hold that is no upload: settings, points, a painted mask.
REQUEST_MB = 4

# Live numbers and pictures: so often a second at most (each update is also work for the browser,
# which may run on the same cores), and pictures never for more than this share of the training;
# those that take long, as new samples do, by a share of their own, and not before there is
# something to be seen.
VIEWS_PER_SECOND = 2.5
VIEW_SHARE = 0.08
SAMPLE_SHARE = 0.08
SECONDS_TO_SAMPLES = 4.0

# Of a film that is learnt, as it is watched: three of them are encoded and sent, some 100 KB each.
LIVE_FRAMES = 48
LIVE_SECONDS = 3.0

# Pictures of how a recovery went, of 10 to 40 KB each: about a megabyte a run that is in memory.
FRAMES = 40

# Of a run's time, for a prior that is learnt along with it.
PRIOR_SHARE = 0.08

# Points of a live curve: about one a pixel.
CURVE_POINTS = 300

# Models held open for all visitors: ten megabytes each.
OPEN_MODELS = 24

# Parts of new latent maps that are held for each of them, in case they are looked at again: 80 to
# 200 KB.
MAPS = 32

# The Explore tab: sliders that are shown, and what a point or a link may hold. Latents beyond six
# deviations do not occur; a longer link is cut by some chat programs.
SLIDERS = 12
FARTHEST = 12.0
NUMBERS = 256
PLANE = 500.0
EDITS = 40
CELL_DIGITS = 128  # hexadecimal, of the cells that a change is made to
MOMENTS = 1e6  # frames of a film
KEPT_POINTS = 4  # between which there is a way

# The Synthesise tab: pixels along a side, and of all textures of a batch together (12 MB, and some
# seconds of two cores); pixels that a picture grows by; seconds of a sound (2 MB on its way to the
# page); pictures on a sheet. The command line has no such bounds.
SIDE = 2048
MARGIN = 512
SECONDS = 60
OBJECTS = 144

# Pixels of all frames of a film together: 150 MB until it is written, and half a minute of one
# core.
FILM_PIXELS = 50_000_000

# Of an endless film: seconds that are asked for at a time, as a picture of some KB a frame; pixels
# of a frame, of which a second takes half a second of one core; and seconds of it that may lie
# between two questions, which it takes a second or two to pass over.
PLAYED_SECONDS = 0.5
PLAYED_PIXELS = 512 * 256
PLAYED_BETWEEN = 3600.0

# Endless sounds, textures and films whose run, as it was when they began, is held: ten megabytes
# each.
ENDLESS = 12

# Of an endless sound that are asked for at a time: fewer cost more calls, more a later start.
CHUNK_SECONDS = 2.0

# Of an endless texture: pixels along a side that are asked for at a time, which take half a second
# of one core, and how many of those one may go from its beginning.
PIECE = 256
FARTHEST_PIECE = 1_000_000

# Of the brush on it: its radius in pixels; strokes, which every piece is asked for with; places of
# one, and the latents that it may span along an axis, which take two seconds of one core. Pixels
# along a side of a tile that is taken of it: about two seconds, too.
BRUSH = 32
STROKES = 24
PLACES = 64
SPAN = 64
TILE = 1024

# The Inference tab: a walk keeps its latents and their noise, at most 32 MB each; of maps that are
# fewer steps than of vectors.
WALK_STEPS = 400
CHAINS = 8
WALK_VALUES = 8_000_000
STEPS_AT_ONCE = 8
WALKS = 24
FILM_FRAMES = 120

# Data of models that are held for it: a set is some tens of megabytes.
DATASETS = 6

# The Compare tab: methods at once, minutes of each, and points of their narrow curves. Six methods
# of five minutes take half an hour.
COMPARED = (2, 6)
COMPARED_MINUTES = (0.5, 5.0)
COMPARED_MINUTES_FIRST = 2.0
COMPARED_POINTS = 100
