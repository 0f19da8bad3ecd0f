-- Moves tell all that blocks of history told.
DROP TABLE history;
