"""The networks in pure Keras 3; nothing here knows TFX."""
