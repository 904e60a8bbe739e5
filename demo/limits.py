"""Every bound of the studio, with its reason. A public page must stay calm under a crowd."""

# A picture, sound or zip of a visitor; also what the server takes before it reads a byte of it.
UPLOAD_MB = 60

# Two runs share two cores at half speed each; a third would make all of them dull to watch.
RUNNING_JOBS = 2

# Runs that have ended, for their visitors to take home or to go on with: tens of megabytes each,
# and half a gigabyte at worst. The longest gone is given up for a newer one.
KEPT_JOBS = 12

# Files that are read and samples that are made beside the runs, and how long others wait for it.
ASIDE = 2
SECONDS_WAITING = 15.0

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

# Nobody is looking: a reload takes a second or two, a closed laptop does not come back in thirty.
SECONDS_UNTIL_STOP = 30.0
SECONDS_UNTIL_FORGOTTEN = 600.0

# A paused run keeps its memory and its turn; after this it is stopped, and kept like any other.
SECONDS_PAUSED = 600.0

# Visitors remembered at once; an entry without a run is a few hundred bytes.
VISITORS = 1000

# Pages that show one visit: a stream that nobody reads costs memory. A reload counts twice for
# some seconds, and two tabs of a page watch each for itself.
PAGES = 24

# Files that a visitor took home lie there until the visit is forgotten; only the newest few.
FILES_KEPT = 4

# Live numbers and pictures: so often a second at most (each update is also work for the browser,
# which may run on the same cores), and pictures never for more than this share of the training.
VIEWS_PER_SECOND = 2.5
VIEW_SHARE = 0.02

# Points of a live curve: about one a pixel.
CURVE_POINTS = 300

# Models held open for all visitors: ten megabytes each.
OPEN_MODELS = 24

# The Explore tab: sliders that are shown, and what a point or a link may hold. Latents beyond six
# deviations do not occur; a longer link is cut by some chat programs.
SLIDERS = 12
FARTHEST = 12.0
NUMBERS = 256
PLANE = 500.0
EDITS = 40

# Points that are made at once, beside the runs; the others wait their turn of some 50 ms.
LOOKERS = 2

# The Synthesise tab: pixels along a side, and of all textures of a batch together (12 MB, and some
# seconds of two cores); pixels that a picture grows by; seconds of a sound (2 MB on its way to the
# page); pictures on a sheet. The command line has no such bounds.
SIDE = 2048
MARGIN = 512
SECONDS = 60
OBJECTS = 144

# Of an endless sound that are asked for at a time: fewer cost more calls, more a later start.
CHUNK_SECONDS = 2.0

# The Inference tab: a walk keeps its latents, at most 13 MB of the largest shipped model's.
WALK_STEPS = 400
CHAINS = 8
STEPS_AT_ONCE = 8
WALKS = 24
FILM_FRAMES = 120

# Data of models that are held for it: a set is some tens of megabytes.
DATASETS = 6
