"""TensorFlow Lite models, float32 and int8, of the exported model: conversion, size and speed."""
