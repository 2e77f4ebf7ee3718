DROP TABLE lnmux.high_water;
DROP TABLE lnmux.events;
DROP TABLE lnmux.event_counter;
DROP TABLE lnmux.leader;
