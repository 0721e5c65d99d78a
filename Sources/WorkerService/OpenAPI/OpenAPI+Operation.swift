import OCISpec

extension OpenAPI {
    /// A method of a path. What goes wrong is answered in one way by all.
    struct Operation: Sendable {
        let method: String
        let path: String
        private let id: String
        private let summary: String
        private let body: JSON?
        private let answer: Answer

        init(
            _ method: String, _ path: String, _ id: String, _ summary: String, body: JSON? = nil, _ answer: Answer
        ) {
            (self.method, self.path, self.id, self.summary) = (method, path, id, summary)
            (self.body, self.answer) = (body, answer)
        }

        var json: JSON {
            var responses = JSON.object([])
            responses.set("\(answer.status)", answer.json)
            responses.set("default", Answer(500, "What went wrong.", ref("Error")).json)
            let parameter: JSON = ["name": "id", "in": "path", "required": true, "schema": integer()]
            // A body that must say something has to be there.
            let request = body.map { body in
                ["required": .bool(body["required"] != nil), "content": ["application/json": ["schema": body]]] as JSON
            }
            return JSON(members: [
                "operationId": .string(id), "summary": .string(summary),
                "parameters": path.contains("{id}") ? [parameter] : nil, "requestBody": request,
                "responses": responses,
            ])
        }
    }

    struct Answer: Sendable {
        let status: Int
        private let description: String
        private let schema: JSON?
        private let type: String

        init(_ status: Int, _ description: String, _ schema: JSON? = nil, type: String = "application/json") {
            (self.status, self.description, self.schema, self.type) = (status, description, schema, type)
        }

        var json: JSON {
            JSON(members: [
                "description": .string(description),
                "content": schema.map { schema in JSON(members: [type: ["schema": schema]]) },
            ])
        }
    }
}
