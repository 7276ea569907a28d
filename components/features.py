"""Names and shapes of features and names of splits, shared by all steps."""

ID = "id"
IMAGE = "image"  # raw: encoded bytes; transformed: float32 [batch, size, size, 3], zero mean and unit variance
LABEL = "label"
BRIGHTNESS_QUARTILE = "brightness_quartile"  # 0..3 among the training images
CONTRAST_QUARTILE = "contrast_quartile"  # 0..3 among the training images

DECODED_IMAGES = "decoded_images"  # tensor of the Transform graph: uint8 [batch, size, size, 3]
CHANNELS = 3

TRAIN_SPLIT = "train"  # fits weights
VALID_SPLIT = "valid"  # chooses
TEST_SPLIT = "test"  # measures the winner; nothing is chosen on it
SPLITS = (TRAIN_SPLIT, VALID_SPLIT, TEST_SPLIT)
