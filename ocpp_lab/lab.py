"""Has moved: old notebooks that import it are told what to write instead."""

raise ImportError("the panels and plots have moved to ocpp_course; write: from ocpp_course import lab")
