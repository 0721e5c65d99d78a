import OCISpec

/// What the service says and understands, as an OpenAPI 3.1 document. Tests/Service holds the running service against it.
enum OpenAPI {
    static let document: JSON = {
        guard let document = try? JSON(parsing: text) else { fatalError("the document is a constant") }
        return document
    }()

    private static let text = #"""
        {
          "openapi": "3.1.0",
          "info": {
            "title": "swiftpod service",
            "version": "1",
            "description": "Workers in containers, over HTTP/1.1 on a local socket of mode 0600 that only its user \#
        may speak on. A worker's standard streams may be files of the host, or descriptors that the client sends \#
        with the bytes of its request (SCM_RIGHTS of unix(7)), named by their place among them from 0. Workers end \#
        with the service."
          },
          "paths": {
            "/v1/version": {
              "get": {
                "operationId": "version",
                "summary": "The service's version.",
                "responses": {
                  "200": {
                    "description": "It.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Version"}}}
                  },
                  "default": {
                    "description": "What went wrong.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
                  }
                }
              }
            },
            "/v1/openapi.json": {
              "get": {
                "operationId": "openapi",
                "summary": "This document.",
                "responses": {
                  "200": {"description": "It.", "content": {"application/json": {"schema": {"type": "object"}}}},
                  "default": {
                    "description": "What went wrong.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
                  }
                }
              }
            },
            "/v1/prepare": {
              "post": {
                "operationId": "prepare",
                "summary": "Pulls an image, lays it out and finds the worker path.",
                "responses": {
                  "200": {
                    "description": "What is known about the image.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Prepared"}}}
                  },
                  "default": {
                    "description": "What went wrong.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
                  }
                },
                "requestBody": {
                  "required": true,
                  "content": {
                    "application/json": {
                      "schema": {
                        "type": "object",
                        "properties": {
                          "image": {"type": "string", "description": "The image's name, as `swiftpod pull` takes \#
        it."},
                          "worker_path": {
                            "type": "string",
                            "description": "Ray's default_worker.py inside the image; looked for where it is missing."
                          },
                          "run_options": {
                            "type": "array",
                            "items": {"type": "string"},
                            "description": "Options of `swiftpod run`; an element may be several words, with a \#
        shell's quotes."
                          },
                          "options": {"$ref": "#/components/schemas/Options"},
                          "refresh": {"type": "boolean", "description": "Look again even where the worker path is \#
        known."}
                        },
                        "additionalProperties": false,
                        "required": ["image"]
                      }
                    }
                  }
                }
              }
            },
            "/v1/workers": {
              "get": {
                "operationId": "listWorkers",
                "summary": "The workers that run, and ended ones that nobody has forgotten.",
                "responses": {
                  "200": {
                    "description": "They.",
                    "content": {
                      "application/json": {
                        "schema": {
                          "type": "object",
                          "properties": {"workers": {"type": "array", "items": {"$ref": \#
        "#/components/schemas/Worker"}}},
                          "additionalProperties": false,
                          "required": ["workers"]
                        }
                      }
                    }
                  },
                  "default": {
                    "description": "What went wrong.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
                  }
                }
              },
              "post": {
                "operationId": "launch",
                "summary": "Starts a worker; answers when its command has been executed.",
                "responses": {
                  "201": {
                    "description": "It runs.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Worker"}}}
                  },
                  "default": {
                    "description": "What went wrong.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
                  }
                },
                "requestBody": {
                  "required": true,
                  "content": {
                    "application/json": {
                      "schema": {
                        "type": "object",
                        "properties": {
                          "image": {"type": "string", "description": "The image's name, as `swiftpod pull` takes \#
        it."},
                          "worker_path": {
                            "type": "string",
                            "description": "Ray's default_worker.py inside the image; looked for where it is missing."
                          },
                          "run_options": {
                            "type": "array",
                            "items": {"type": "string"},
                            "description": "Options of `swiftpod run`; an element may be several words, with a \#
        shell's quotes."
                          },
                          "options": {"$ref": "#/components/schemas/Options"},
                          "arguments": {"type": "array", "items": {"type": "string"}, "description": "What follows \#
        the entry point."},
                          "environment": {"type": "object", "additionalProperties": {"type": "string"}},
                          "streams": {"$ref": "#/components/schemas/Streams"}
                        },
                        "additionalProperties": false,
                        "required": ["image"]
                      }
                    }
                  }
                }
              }
            },
            "/v1/workers/{id}": {
              "get": {
                "operationId": "worker",
                "summary": "One worker.",
                "responses": {
                  "200": {
                    "description": "It.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Worker"}}}
                  },
                  "default": {
                    "description": "What went wrong.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
                  }
                },
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}]
              },
              "delete": {
                "operationId": "forget",
                "summary": "Forgets a worker that has ended.",
                "responses": {
                  "204": {"description": "It is forgotten."},
                  "default": {
                    "description": "What went wrong.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
                  }
                },
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}]
              }
            },
            "/v1/workers/{id}/wait": {
              "post": {
                "operationId": "wait",
                "summary": "Waits for a worker's end.",
                "responses": {
                  "200": {
                    "description": "It has ended, or runs on after the time.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Worker"}}}
                  },
                  "default": {
                    "description": "What went wrong.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
                  }
                },
                "requestBody": {
                  "required": false,
                  "content": {
                    "application/json": {
                      "schema": {
                        "type": "object",
                        "properties": {"timeout_ms": {"type": "integer"}},
                        "additionalProperties": false
                      }
                    }
                  }
                },
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}]
              }
            },
            "/v1/workers/{id}/signal": {
              "post": {
                "operationId": "signal",
                "summary": "Sends a signal. A worker that has ended is past it.",
                "responses": {
                  "204": {"description": "It is sent."},
                  "default": {
                    "description": "What went wrong.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
                  }
                },
                "requestBody": {
                  "required": true,
                  "content": {
                    "application/json": {
                      "schema": {
                        "type": "object",
                        "properties": {
                          "signal": {"type": "integer", "minimum": 0, "maximum": 64},
                          "group": {"type": "boolean", "description": "To the worker's whole process group."}
                        },
                        "additionalProperties": false,
                        "required": ["signal"]
                      }
                    }
                  }
                },
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}]
              }
            },
            "/v1/workers/{id}/terminate": {
              "post": {
                "operationId": "terminate",
                "summary": "SIGTERM to the process group, and SIGKILL after a time.",
                "responses": {
                  "200": {
                    "description": "It has ended.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Worker"}}}
                  },
                  "default": {
                    "description": "What went wrong.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
                  }
                },
                "requestBody": {
                  "required": false,
                  "content": {
                    "application/json": {
                      "schema": {
                        "type": "object",
                        "properties": {"grace_ms": {"type": "integer", "minimum": 0, "description": "Default \#
        10000."}},
                        "additionalProperties": false
                      }
                    }
                  }
                },
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}]
              }
            },
            "/v1/pools": {
              "get": {
                "operationId": "listPools",
                "summary": "The pools.",
                "responses": {
                  "200": {
                    "description": "They.",
                    "content": {
                      "application/json": {
                        "schema": {
                          "type": "object",
                          "properties": {"pools": {"type": "array", "items": {"$ref": "#/components/schemas/Pool"}}},
                          "additionalProperties": false,
                          "required": ["pools"]
                        }
                      }
                    }
                  },
                  "default": {
                    "description": "What went wrong.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
                  }
                }
              },
              "post": {
                "operationId": "openPool",
                "summary": "Makes sandboxes that wait for their command; answers when they do.",
                "responses": {
                  "201": {
                    "description": "It stands.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pool"}}}
                  },
                  "default": {
                    "description": "What went wrong.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
                  }
                },
                "requestBody": {
                  "required": true,
                  "content": {
                    "application/json": {
                      "schema": {
                        "type": "object",
                        "properties": {
                          "image": {"type": "string", "description": "The image's name, as `swiftpod pull` takes \#
        it."},
                          "worker_path": {
                            "type": "string",
                            "description": "Ray's default_worker.py inside the image; looked for where it is missing."
                          },
                          "run_options": {
                            "type": "array",
                            "items": {"type": "string"},
                            "description": "Options of `swiftpod run`; an element may be several words, with a \#
        shell's quotes."
                          },
                          "options": {"$ref": "#/components/schemas/Options"},
                          "size": {"type": "integer", "minimum": 1, "maximum": 1000}
                        },
                        "additionalProperties": false,
                        "required": ["image", "size"]
                      }
                    }
                  }
                }
              }
            },
            "/v1/pools/{id}": {
              "delete": {
                "operationId": "closePool",
                "summary": "Ends the sandboxes that wait.",
                "responses": {
                  "204": {"description": "It is closed."},
                  "default": {
                    "description": "What went wrong.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
                  }
                },
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}]
              }
            },
            "/v1/pools/{id}/acquire": {
              "post": {
                "operationId": "acquire",
                "summary": "Executes a command in a sandbox that waits.",
                "responses": {
                  "201": {
                    "description": "It runs.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Worker"}}}
                  },
                  "default": {
                    "description": "What went wrong.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
                  }
                },
                "requestBody": {
                  "required": false,
                  "content": {
                    "application/json": {
                      "schema": {
                        "type": "object",
                        "properties": {
                          "arguments": {"type": "array", "items": {"type": "string"}, "description": "What follows \#
        the entry point."},
                          "environment": {"type": "object", "additionalProperties": {"type": "string"}},
                          "streams": {"$ref": "#/components/schemas/Streams"}
                        },
                        "additionalProperties": false
                      }
                    }
                  }
                },
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}]
              }
            },
            "/v1/events": {
              "get": {
                "operationId": "events",
                "summary": "What happens from now on, one document a line.",
                "responses": {
                  "200": {
                    "description": "A stream that ends with the service.",
                    "content": {"application/x-ndjson": {"schema": {"$ref": "#/components/schemas/Event"}}}
                  },
                  "default": {
                    "description": "What went wrong.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
                  }
                }
              }
            }
          },
          "components": {
            "schemas": {
              "Version": {
                "type": "object",
                "properties": {"version": {"type": "string"}, "api": {"type": "string", "enum": ["1"]}},
                "additionalProperties": false,
                "required": ["version", "api"]
              },
              "Prepared": {
                "type": "object",
                "properties": {
                  "image_id": {"type": "string"},
                  "worker_path": {"type": "string"},
                  "ray_version": {"type": "string"},
                  "python_version": {"type": "string"},
                  "user_id": {"type": "integer"}
                },
                "additionalProperties": false,
                "required": ["image_id"]
              },
              "Options": {
                "type": "object",
                "properties": {
                  "mounts": {
                    "type": "array",
                    "items": {
                      "type": "object",
                      "properties": {
                        "source": {"type": "string"},
                        "destination": {"type": "string"},
                        "read_only": {"type": "boolean"}
                      },
                      "additionalProperties": false,
                      "required": ["source"]
                    }
                  },
                  "devices": {"type": "array", "items": {"type": "string"}},
                  "cpus": {"type": "number"},
                  "memory": {"type": "integer", "description": "Bytes."},
                  "working_directory": {"type": "string"},
                  "entrypoint": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "What is executed; `python` where it is missing. An empty list leaves the \#
        image's own."
                  }
                },
                "additionalProperties": false
              },
              "Streams": {
                "type": "object",
                "properties": {
                  "stdin": {"$ref": "#/components/schemas/Stream"},
                  "stdout": {"$ref": "#/components/schemas/Stream"},
                  "stderr": {"$ref": "#/components/schemas/Stream"}
                },
                "additionalProperties": false
              },
              "Stream": {
                "description": "/dev/null, a file (output is appended), or a descriptor sent with the request.",
                "anyOf": [
                  {"type": "null"},
                  {
                    "type": "object",
                    "properties": {"file": {"type": "string"}},
                    "additionalProperties": false,
                    "required": ["file"]
                  },
                  {
                    "type": "object",
                    "properties": {"descriptor": {"type": "integer", "minimum": 0, "maximum": 15}},
                    "additionalProperties": false,
                    "required": ["descriptor"]
                  }
                ]
              },
              "Worker": {
                "type": "object",
                "properties": {
                  "id": {"type": "integer", "description": "Its pid."},
                  "container_id": {"type": "string"},
                  "image": {"type": "string"},
                  "state": {"type": "string", "enum": ["running", "ended"]},
                  "exit_code": {"type": "integer"},
                  "signal": {"type": "integer"},
                  "out_of_memory": {"type": "boolean"}
                },
                "additionalProperties": false,
                "required": ["id", "container_id", "image", "state"]
              },
              "Pool": {
                "type": "object",
                "properties": {"id": {"type": "integer"}, "image": {"type": "string"}, "size": {"type": "integer"}},
                "additionalProperties": false,
                "required": ["id", "image", "size"]
              },
              "Event": {
                "type": "object",
                "properties": {
                  "event": {"type": "string", "enum": ["pulling", "pulled", "started", "ended", "warning", "closed"]},
                  "id": {"type": "integer"},
                  "container_id": {"type": "string"},
                  "image": {"type": "string"},
                  "exit_code": {"type": "integer"},
                  "signal": {"type": "integer"},
                  "out_of_memory": {"type": "boolean"},
                  "message": {"type": "string"}
                },
                "additionalProperties": false,
                "required": ["event"]
              },
              "Error": {
                "type": "object",
                "properties": {
                  "error": {
                    "type": "object",
                    "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
                    "additionalProperties": false,
                    "required": ["code", "message"]
                  }
                },
                "additionalProperties": false,
                "required": ["error"]
              }
            }
          }
        }
        """#
}
