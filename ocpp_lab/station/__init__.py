"""The thing in the car park: who may charge, what stands at a connector, and whose session it is. No wire in it."""
