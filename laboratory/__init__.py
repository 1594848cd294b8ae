"""Experiments that check the method's claim: grids of methods and seeds on one data set and several test sets.

An experiment is a JSON file (:mod:`laboratory.experiment`). One method with one seed is a cell: a training and its
Dice on every test set, kept as one small JSON file. Reports are made from the cells alone.
"""
