"""What to turn on, in which software, so that a log has frames."""

NO_FRAMES = """\
There is no OCPP frame in it: nothing like [2,"id","Heartbeat",{}]. Turn on the log of messages where it was written:

SteVe             it logs every frame as it comes: take logs/steve.log, or the console, and keep the lines with
                  "WebSocketLogger". If there are none, set the level of de.rwth.idsg.steve.ocpp.ws to INFO.
Home Assistant    in configuration.yaml, then restart:
                      logger:
                        logs:
                          custom_components.ocpp: debug
                          ocpp: info
evcc              in evcc.yaml:  levels: {ocpp: trace}   or start it with  --log ocpp:trace
MicroOcpp         build with MO_DBG_LEVEL=MO_DL_DEBUG and MO_TRAFFIC_OUT
EVerest           in the OCPP module's configuration: LogMessages true, LogMessagesFormat ["log"]
mobilityhouse     logging.getLogger("ocpp").setLevel(logging.INFO), and logging.basicConfig()
ocpp-lab          ocpp-lab central-system --trace-file night.jsonl
"""
