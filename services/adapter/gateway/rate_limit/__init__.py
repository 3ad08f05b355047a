"""The rate of calls to 1688, for one process or shared by Redis. Must not import auth."""
