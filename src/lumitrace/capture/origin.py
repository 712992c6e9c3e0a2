"""Where this copy of lumitrace comes from."""

IN_LAYER = False  # `lumitrace layer build` writes True into the layer's copy of this file
