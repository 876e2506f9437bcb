"""The product in Airflow: operators, triggers, sensors, notifiers, the timetable and the task group of the proof."""
