// Generated from proto/helper.proto by `npm run proto`. Do not edit.
/*eslint-disable block-scoped-var, id-length, no-control-regex, no-magic-numbers, no-mixed-operators, no-prototype-builtins, no-redeclare, no-shadow, no-var, sort-vars, default-case, jsdoc/require-param*/
import $protobuf from "protobufjs/minimal.js";

// Common aliases
const $Reader = $protobuf.Reader, $Writer = $protobuf.Writer, $util = $protobuf.util;
const $Object = $util.global.Object, $undefined = $util.global.undefined, $Error = $util.global.Error, $RangeError = $util.global.RangeError;

// Exported root namespace
const $root = $protobuf.roots["helper"] || ($protobuf.roots["helper"] = {});

export const natpmp = $root.natpmp = (() => {

    /**
     * Namespace natpmp.
     * @exports natpmp
     * @namespace
     */
    const natpmp = {};

    natpmp.helper = (function() {

        /**
         * Namespace helper.
         * @memberof natpmp
         * @namespace
         */
        const helper = {};

        helper.v1 = (function() {

            /**
             * Namespace v1.
             * @memberof natpmp.helper
             * @namespace
             */
            const v1 = {};

            /**
             * Protocol enum.
             * @name natpmp.helper.v1.Protocol
             * @enum {number}
             * @property {number} PROTOCOL_UNSPECIFIED=0 PROTOCOL_UNSPECIFIED value
             * @property {number} PROTOCOL_TCP=6 PROTOCOL_TCP value
             * @property {number} PROTOCOL_UDP=17 PROTOCOL_UDP value
             */
            v1.Protocol = (function() {
                const valuesById = $Object.create(null), values = $Object.create(valuesById);
                values[valuesById[0] = "PROTOCOL_UNSPECIFIED"] = 0;
                values[valuesById[6] = "PROTOCOL_TCP"] = 6;
                values[valuesById[17] = "PROTOCOL_UDP"] = 17;
                return values;
            })();

            /**
             * Origin enum.
             * @name natpmp.helper.v1.Origin
             * @enum {number}
             * @property {number} ORIGIN_DYNAMIC=0 ORIGIN_DYNAMIC value
             * @property {number} ORIGIN_STATIC=1 ORIGIN_STATIC value
             */
            v1.Origin = (function() {
                const valuesById = $Object.create(null), values = $Object.create(valuesById);
                values[valuesById[0] = "ORIGIN_DYNAMIC"] = 0;
                values[valuesById[1] = "ORIGIN_STATIC"] = 1;
                return values;
            })();

            /**
             * Reason enum.
             * @name natpmp.helper.v1.Reason
             * @enum {number}
             * @property {number} REASON_UNSPECIFIED=0 REASON_UNSPECIFIED value
             * @property {number} REASON_MALFORMED=1 REASON_MALFORMED value
             * @property {number} REASON_NOT_PERMITTED=2 REASON_NOT_PERMITTED value
             * @property {number} REASON_ADDRESS=3 REASON_ADDRESS value
             * @property {number} REASON_PORT=4 REASON_PORT value
             * @property {number} REASON_LIFETIME=5 REASON_LIFETIME value
             * @property {number} REASON_CONFLICT=6 REASON_CONFLICT value
             * @property {number} REASON_HOST_FULL=7 REASON_HOST_FULL value
             * @property {number} REASON_TABLE_FULL=8 REASON_TABLE_FULL value
             * @property {number} REASON_KERNEL=9 REASON_KERNEL value
             * @property {number} REASON_TOO_MANY_WATCHERS=10 REASON_TOO_MANY_WATCHERS value
             * @property {number} REASON_LATE=11 REASON_LATE value
             * @property {number} REASON_RATE=12 REASON_RATE value
             * @property {number} REASON_NONCE=13 REASON_NONCE value
             */
            v1.Reason = (function() {
                const valuesById = $Object.create(null), values = $Object.create(valuesById);
                values[valuesById[0] = "REASON_UNSPECIFIED"] = 0;
                values[valuesById[1] = "REASON_MALFORMED"] = 1;
                values[valuesById[2] = "REASON_NOT_PERMITTED"] = 2;
                values[valuesById[3] = "REASON_ADDRESS"] = 3;
                values[valuesById[4] = "REASON_PORT"] = 4;
                values[valuesById[5] = "REASON_LIFETIME"] = 5;
                values[valuesById[6] = "REASON_CONFLICT"] = 6;
                values[valuesById[7] = "REASON_HOST_FULL"] = 7;
                values[valuesById[8] = "REASON_TABLE_FULL"] = 8;
                values[valuesById[9] = "REASON_KERNEL"] = 9;
                values[valuesById[10] = "REASON_TOO_MANY_WATCHERS"] = 10;
                values[valuesById[11] = "REASON_LATE"] = 11;
                values[valuesById[12] = "REASON_RATE"] = 12;
                values[valuesById[13] = "REASON_NONCE"] = 13;
                return values;
            })();

            v1.Request = (function() {

                /**
                 * Properties of a Request.
                 * @typedef {Object} natpmp.helper.v1.Request.$Properties
                 * @property {number|null} [id] Request id
                 * @property {natpmp.helper.v1.AddMapping.$Properties|null} [addMapping] Request addMapping
                 * @property {natpmp.helper.v1.RemoveMapping.$Properties|null} [removeMapping] Request removeMapping
                 * @property {natpmp.helper.v1.RemoveHostMappings.$Properties|null} [removeHostMappings] Request removeHostMappings
                 * @property {natpmp.helper.v1.ListMappings.$Properties|null} [listMappings] Request listMappings
                 * @property {natpmp.helper.v1.Watch.$Properties|null} [watch] Request watch
                 * @property {natpmp.helper.v1.Status.$Properties|null} [status] Request status
                 * @property {natpmp.helper.v1.AddPinhole.$Properties|null} [addPinhole] Request addPinhole
                 * @property {natpmp.helper.v1.RemovePinhole.$Properties|null} [removePinhole] Request removePinhole
                 * @property {natpmp.helper.v1.ListPinholes.$Properties|null} [listPinholes] Request listPinholes
                 * @property {number|null} [notAfterMs] Request notAfterMs
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Request.
                 * @memberof natpmp.helper.v1
                 * @interface IRequest
                 * @augments natpmp.helper.v1.Request.$Properties
                 * @deprecated Use natpmp.helper.v1.Request.$Properties instead.
                 */

                /**
                 * Shape of a Request.
                 * @typedef {natpmp.helper.v1.Request.$Properties} natpmp.helper.v1.Request.$Shape
                 */

                /**
                 * Constructs a new Request.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents a Request.
                 * @constructor
                 * @param {natpmp.helper.v1.Request.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Request = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Request id.
                 * @member {number} id
                 * @memberof natpmp.helper.v1.Request
                 * @instance
                 */
                Request.prototype.id = 0;

                /**
                 * Request addMapping.
                 * @member {natpmp.helper.v1.AddMapping.$Properties|null|undefined} addMapping
                 * @memberof natpmp.helper.v1.Request
                 * @instance
                 */
                Request.prototype.addMapping = null;

                /**
                 * Request removeMapping.
                 * @member {natpmp.helper.v1.RemoveMapping.$Properties|null|undefined} removeMapping
                 * @memberof natpmp.helper.v1.Request
                 * @instance
                 */
                Request.prototype.removeMapping = null;

                /**
                 * Request removeHostMappings.
                 * @member {natpmp.helper.v1.RemoveHostMappings.$Properties|null|undefined} removeHostMappings
                 * @memberof natpmp.helper.v1.Request
                 * @instance
                 */
                Request.prototype.removeHostMappings = null;

                /**
                 * Request listMappings.
                 * @member {natpmp.helper.v1.ListMappings.$Properties|null|undefined} listMappings
                 * @memberof natpmp.helper.v1.Request
                 * @instance
                 */
                Request.prototype.listMappings = null;

                /**
                 * Request watch.
                 * @member {natpmp.helper.v1.Watch.$Properties|null|undefined} watch
                 * @memberof natpmp.helper.v1.Request
                 * @instance
                 */
                Request.prototype.watch = null;

                /**
                 * Request status.
                 * @member {natpmp.helper.v1.Status.$Properties|null|undefined} status
                 * @memberof natpmp.helper.v1.Request
                 * @instance
                 */
                Request.prototype.status = null;

                /**
                 * Request addPinhole.
                 * @member {natpmp.helper.v1.AddPinhole.$Properties|null|undefined} addPinhole
                 * @memberof natpmp.helper.v1.Request
                 * @instance
                 */
                Request.prototype.addPinhole = null;

                /**
                 * Request removePinhole.
                 * @member {natpmp.helper.v1.RemovePinhole.$Properties|null|undefined} removePinhole
                 * @memberof natpmp.helper.v1.Request
                 * @instance
                 */
                Request.prototype.removePinhole = null;

                /**
                 * Request listPinholes.
                 * @member {natpmp.helper.v1.ListPinholes.$Properties|null|undefined} listPinholes
                 * @memberof natpmp.helper.v1.Request
                 * @instance
                 */
                Request.prototype.listPinholes = null;

                /**
                 * Request notAfterMs.
                 * @member {number} notAfterMs
                 * @memberof natpmp.helper.v1.Request
                 * @instance
                 */
                Request.prototype.notAfterMs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Encodes the specified Request message. Does not implicitly {@link natpmp.helper.v1.Request.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.Request
                 * @static
                 * @param {natpmp.helper.v1.Request.$Properties} message Request message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Request.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.id != null && $Object.hasOwnProperty.call(message, "id") && message.id !== 0)
                        writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.id);
                    if (message.addMapping != null && $Object.hasOwnProperty.call(message, "addMapping"))
                        $root.natpmp.helper.v1.AddMapping.encode(message.addMapping, writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                    if (message.removeMapping != null && $Object.hasOwnProperty.call(message, "removeMapping"))
                        $root.natpmp.helper.v1.RemoveMapping.encode(message.removeMapping, writer.uint32(/* id 3, wireType 2 =*/26).fork(), _depth + 1).ldelim();
                    if (message.removeHostMappings != null && $Object.hasOwnProperty.call(message, "removeHostMappings"))
                        $root.natpmp.helper.v1.RemoveHostMappings.encode(message.removeHostMappings, writer.uint32(/* id 4, wireType 2 =*/34).fork(), _depth + 1).ldelim();
                    if (message.listMappings != null && $Object.hasOwnProperty.call(message, "listMappings"))
                        $root.natpmp.helper.v1.ListMappings.encode(message.listMappings, writer.uint32(/* id 5, wireType 2 =*/42).fork(), _depth + 1).ldelim();
                    if (message.watch != null && $Object.hasOwnProperty.call(message, "watch"))
                        $root.natpmp.helper.v1.Watch.encode(message.watch, writer.uint32(/* id 6, wireType 2 =*/50).fork(), _depth + 1).ldelim();
                    if (message.status != null && $Object.hasOwnProperty.call(message, "status"))
                        $root.natpmp.helper.v1.Status.encode(message.status, writer.uint32(/* id 7, wireType 2 =*/58).fork(), _depth + 1).ldelim();
                    if (message.notAfterMs != null && $Object.hasOwnProperty.call(message, "notAfterMs") && (typeof message.notAfterMs === "object" ? message.notAfterMs.low || message.notAfterMs.high : message.notAfterMs !== 0))
                        writer.uint32(/* id 8, wireType 0 =*/64).uint64(message.notAfterMs);
                    if (message.addPinhole != null && $Object.hasOwnProperty.call(message, "addPinhole"))
                        $root.natpmp.helper.v1.AddPinhole.encode(message.addPinhole, writer.uint32(/* id 9, wireType 2 =*/74).fork(), _depth + 1).ldelim();
                    if (message.removePinhole != null && $Object.hasOwnProperty.call(message, "removePinhole"))
                        $root.natpmp.helper.v1.RemovePinhole.encode(message.removePinhole, writer.uint32(/* id 10, wireType 2 =*/82).fork(), _depth + 1).ldelim();
                    if (message.listPinholes != null && $Object.hasOwnProperty.call(message, "listPinholes"))
                        $root.natpmp.helper.v1.ListPinholes.encode(message.listPinholes, writer.uint32(/* id 11, wireType 2 =*/90).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Request message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.Request
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Request & natpmp.helper.v1.Request.$Shape} Request
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Request.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.Request();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.id = value;
                                else
                                    delete message.id;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                message.addMapping = $root.natpmp.helper.v1.AddMapping.decode(reader, reader.size(), $undefined, _depth + 1, message.addMapping);
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                message.removeMapping = $root.natpmp.helper.v1.RemoveMapping.decode(reader, reader.size(), $undefined, _depth + 1, message.removeMapping);
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                message.removeHostMappings = $root.natpmp.helper.v1.RemoveHostMappings.decode(reader, reader.size(), $undefined, _depth + 1, message.removeHostMappings);
                                continue;
                            }
                        case 5: {
                                if (wireType !== 2)
                                    break;
                                message.listMappings = $root.natpmp.helper.v1.ListMappings.decode(reader, reader.size(), $undefined, _depth + 1, message.listMappings);
                                continue;
                            }
                        case 6: {
                                if (wireType !== 2)
                                    break;
                                message.watch = $root.natpmp.helper.v1.Watch.decode(reader, reader.size(), $undefined, _depth + 1, message.watch);
                                continue;
                            }
                        case 7: {
                                if (wireType !== 2)
                                    break;
                                message.status = $root.natpmp.helper.v1.Status.decode(reader, reader.size(), $undefined, _depth + 1, message.status);
                                continue;
                            }
                        case 9: {
                                if (wireType !== 2)
                                    break;
                                message.addPinhole = $root.natpmp.helper.v1.AddPinhole.decode(reader, reader.size(), $undefined, _depth + 1, message.addPinhole);
                                continue;
                            }
                        case 10: {
                                if (wireType !== 2)
                                    break;
                                message.removePinhole = $root.natpmp.helper.v1.RemovePinhole.decode(reader, reader.size(), $undefined, _depth + 1, message.removePinhole);
                                continue;
                            }
                        case 11: {
                                if (wireType !== 2)
                                    break;
                                message.listPinholes = $root.natpmp.helper.v1.ListPinholes.decode(reader, reader.size(), $undefined, _depth + 1, message.listPinholes);
                                continue;
                            }
                        case 8: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.notAfterMs = value;
                                else
                                    delete message.notAfterMs;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return Request;
            })();

            v1.Response = (function() {

                /**
                 * Properties of a Response.
                 * @typedef {Object} natpmp.helper.v1.Response.$Properties
                 * @property {number|null} [id] Response id
                 * @property {natpmp.helper.v1.Mapping.$Properties|null} [granted] Response granted
                 * @property {natpmp.helper.v1.Removed.$Properties|null} [removed] Response removed
                 * @property {natpmp.helper.v1.HostMappingsRemoved.$Properties|null} [hostMappingsRemoved] Response hostMappingsRemoved
                 * @property {natpmp.helper.v1.MappingList.$Properties|null} [mappingList] Response mappingList
                 * @property {natpmp.helper.v1.StatusReport.$Properties|null} [watching] Response watching
                 * @property {natpmp.helper.v1.StatusReport.$Properties|null} [statusReport] Response statusReport
                 * @property {natpmp.helper.v1.Refused.$Properties|null} [refused] Response refused
                 * @property {natpmp.helper.v1.Event.$Properties|null} [event] Response event
                 * @property {natpmp.helper.v1.Pinhole.$Properties|null} [pinholeGranted] Response pinholeGranted
                 * @property {natpmp.helper.v1.PinholeList.$Properties|null} [pinholeList] Response pinholeList
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Response.
                 * @memberof natpmp.helper.v1
                 * @interface IResponse
                 * @augments natpmp.helper.v1.Response.$Properties
                 * @deprecated Use natpmp.helper.v1.Response.$Properties instead.
                 */

                /**
                 * Shape of a Response.
                 * @typedef {natpmp.helper.v1.Response.$Properties} natpmp.helper.v1.Response.$Shape
                 */

                /**
                 * Constructs a new Response.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents a Response.
                 * @constructor
                 * @param {natpmp.helper.v1.Response.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Response = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Response id.
                 * @member {number} id
                 * @memberof natpmp.helper.v1.Response
                 * @instance
                 */
                Response.prototype.id = 0;

                /**
                 * Response granted.
                 * @member {natpmp.helper.v1.Mapping.$Properties|null|undefined} granted
                 * @memberof natpmp.helper.v1.Response
                 * @instance
                 */
                Response.prototype.granted = null;

                /**
                 * Response removed.
                 * @member {natpmp.helper.v1.Removed.$Properties|null|undefined} removed
                 * @memberof natpmp.helper.v1.Response
                 * @instance
                 */
                Response.prototype.removed = null;

                /**
                 * Response hostMappingsRemoved.
                 * @member {natpmp.helper.v1.HostMappingsRemoved.$Properties|null|undefined} hostMappingsRemoved
                 * @memberof natpmp.helper.v1.Response
                 * @instance
                 */
                Response.prototype.hostMappingsRemoved = null;

                /**
                 * Response mappingList.
                 * @member {natpmp.helper.v1.MappingList.$Properties|null|undefined} mappingList
                 * @memberof natpmp.helper.v1.Response
                 * @instance
                 */
                Response.prototype.mappingList = null;

                /**
                 * Response watching.
                 * @member {natpmp.helper.v1.StatusReport.$Properties|null|undefined} watching
                 * @memberof natpmp.helper.v1.Response
                 * @instance
                 */
                Response.prototype.watching = null;

                /**
                 * Response statusReport.
                 * @member {natpmp.helper.v1.StatusReport.$Properties|null|undefined} statusReport
                 * @memberof natpmp.helper.v1.Response
                 * @instance
                 */
                Response.prototype.statusReport = null;

                /**
                 * Response refused.
                 * @member {natpmp.helper.v1.Refused.$Properties|null|undefined} refused
                 * @memberof natpmp.helper.v1.Response
                 * @instance
                 */
                Response.prototype.refused = null;

                /**
                 * Response event.
                 * @member {natpmp.helper.v1.Event.$Properties|null|undefined} event
                 * @memberof natpmp.helper.v1.Response
                 * @instance
                 */
                Response.prototype.event = null;

                /**
                 * Response pinholeGranted.
                 * @member {natpmp.helper.v1.Pinhole.$Properties|null|undefined} pinholeGranted
                 * @memberof natpmp.helper.v1.Response
                 * @instance
                 */
                Response.prototype.pinholeGranted = null;

                /**
                 * Response pinholeList.
                 * @member {natpmp.helper.v1.PinholeList.$Properties|null|undefined} pinholeList
                 * @memberof natpmp.helper.v1.Response
                 * @instance
                 */
                Response.prototype.pinholeList = null;

                /**
                 * Encodes the specified Response message. Does not implicitly {@link natpmp.helper.v1.Response.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.Response
                 * @static
                 * @param {natpmp.helper.v1.Response.$Properties} message Response message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Response.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.id != null && $Object.hasOwnProperty.call(message, "id") && message.id !== 0)
                        writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.id);
                    if (message.granted != null && $Object.hasOwnProperty.call(message, "granted"))
                        $root.natpmp.helper.v1.Mapping.encode(message.granted, writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                    if (message.removed != null && $Object.hasOwnProperty.call(message, "removed"))
                        $root.natpmp.helper.v1.Removed.encode(message.removed, writer.uint32(/* id 3, wireType 2 =*/26).fork(), _depth + 1).ldelim();
                    if (message.hostMappingsRemoved != null && $Object.hasOwnProperty.call(message, "hostMappingsRemoved"))
                        $root.natpmp.helper.v1.HostMappingsRemoved.encode(message.hostMappingsRemoved, writer.uint32(/* id 4, wireType 2 =*/34).fork(), _depth + 1).ldelim();
                    if (message.mappingList != null && $Object.hasOwnProperty.call(message, "mappingList"))
                        $root.natpmp.helper.v1.MappingList.encode(message.mappingList, writer.uint32(/* id 5, wireType 2 =*/42).fork(), _depth + 1).ldelim();
                    if (message.watching != null && $Object.hasOwnProperty.call(message, "watching"))
                        $root.natpmp.helper.v1.StatusReport.encode(message.watching, writer.uint32(/* id 6, wireType 2 =*/50).fork(), _depth + 1).ldelim();
                    if (message.statusReport != null && $Object.hasOwnProperty.call(message, "statusReport"))
                        $root.natpmp.helper.v1.StatusReport.encode(message.statusReport, writer.uint32(/* id 7, wireType 2 =*/58).fork(), _depth + 1).ldelim();
                    if (message.refused != null && $Object.hasOwnProperty.call(message, "refused"))
                        $root.natpmp.helper.v1.Refused.encode(message.refused, writer.uint32(/* id 8, wireType 2 =*/66).fork(), _depth + 1).ldelim();
                    if (message.event != null && $Object.hasOwnProperty.call(message, "event"))
                        $root.natpmp.helper.v1.Event.encode(message.event, writer.uint32(/* id 9, wireType 2 =*/74).fork(), _depth + 1).ldelim();
                    if (message.pinholeGranted != null && $Object.hasOwnProperty.call(message, "pinholeGranted"))
                        $root.natpmp.helper.v1.Pinhole.encode(message.pinholeGranted, writer.uint32(/* id 10, wireType 2 =*/82).fork(), _depth + 1).ldelim();
                    if (message.pinholeList != null && $Object.hasOwnProperty.call(message, "pinholeList"))
                        $root.natpmp.helper.v1.PinholeList.encode(message.pinholeList, writer.uint32(/* id 11, wireType 2 =*/90).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Response message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.Response
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Response & natpmp.helper.v1.Response.$Shape} Response
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Response.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.Response();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.id = value;
                                else
                                    delete message.id;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                message.granted = $root.natpmp.helper.v1.Mapping.decode(reader, reader.size(), $undefined, _depth + 1, message.granted);
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                message.removed = $root.natpmp.helper.v1.Removed.decode(reader, reader.size(), $undefined, _depth + 1, message.removed);
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                message.hostMappingsRemoved = $root.natpmp.helper.v1.HostMappingsRemoved.decode(reader, reader.size(), $undefined, _depth + 1, message.hostMappingsRemoved);
                                continue;
                            }
                        case 5: {
                                if (wireType !== 2)
                                    break;
                                message.mappingList = $root.natpmp.helper.v1.MappingList.decode(reader, reader.size(), $undefined, _depth + 1, message.mappingList);
                                continue;
                            }
                        case 6: {
                                if (wireType !== 2)
                                    break;
                                message.watching = $root.natpmp.helper.v1.StatusReport.decode(reader, reader.size(), $undefined, _depth + 1, message.watching);
                                continue;
                            }
                        case 7: {
                                if (wireType !== 2)
                                    break;
                                message.statusReport = $root.natpmp.helper.v1.StatusReport.decode(reader, reader.size(), $undefined, _depth + 1, message.statusReport);
                                continue;
                            }
                        case 8: {
                                if (wireType !== 2)
                                    break;
                                message.refused = $root.natpmp.helper.v1.Refused.decode(reader, reader.size(), $undefined, _depth + 1, message.refused);
                                continue;
                            }
                        case 9: {
                                if (wireType !== 2)
                                    break;
                                message.event = $root.natpmp.helper.v1.Event.decode(reader, reader.size(), $undefined, _depth + 1, message.event);
                                continue;
                            }
                        case 10: {
                                if (wireType !== 2)
                                    break;
                                message.pinholeGranted = $root.natpmp.helper.v1.Pinhole.decode(reader, reader.size(), $undefined, _depth + 1, message.pinholeGranted);
                                continue;
                            }
                        case 11: {
                                if (wireType !== 2)
                                    break;
                                message.pinholeList = $root.natpmp.helper.v1.PinholeList.decode(reader, reader.size(), $undefined, _depth + 1, message.pinholeList);
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return Response;
            })();

            v1.AddMapping = (function() {

                /**
                 * Properties of an AddMapping.
                 * @typedef {Object} natpmp.helper.v1.AddMapping.$Properties
                 * @property {natpmp.helper.v1.Protocol|null} [protocol] AddMapping protocol
                 * @property {number|null} [internalAddress] AddMapping internalAddress
                 * @property {number|null} [internalPort] AddMapping internalPort
                 * @property {number|null} [externalPort] AddMapping externalPort
                 * @property {number|null} [lifetimeSeconds] AddMapping lifetimeSeconds
                 * @property {natpmp.helper.v1.Origin|null} [origin] AddMapping origin
                 * @property {number|null} [tool] AddMapping tool
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of an AddMapping.
                 * @memberof natpmp.helper.v1
                 * @interface IAddMapping
                 * @augments natpmp.helper.v1.AddMapping.$Properties
                 * @deprecated Use natpmp.helper.v1.AddMapping.$Properties instead.
                 */

                /**
                 * Shape of an AddMapping.
                 * @typedef {natpmp.helper.v1.AddMapping.$Properties} natpmp.helper.v1.AddMapping.$Shape
                 */

                /**
                 * Constructs a new AddMapping.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents an AddMapping.
                 * @constructor
                 * @param {natpmp.helper.v1.AddMapping.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const AddMapping = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * AddMapping protocol.
                 * @member {natpmp.helper.v1.Protocol} protocol
                 * @memberof natpmp.helper.v1.AddMapping
                 * @instance
                 */
                AddMapping.prototype.protocol = 0;

                /**
                 * AddMapping internalAddress.
                 * @member {number} internalAddress
                 * @memberof natpmp.helper.v1.AddMapping
                 * @instance
                 */
                AddMapping.prototype.internalAddress = 0;

                /**
                 * AddMapping internalPort.
                 * @member {number} internalPort
                 * @memberof natpmp.helper.v1.AddMapping
                 * @instance
                 */
                AddMapping.prototype.internalPort = 0;

                /**
                 * AddMapping externalPort.
                 * @member {number} externalPort
                 * @memberof natpmp.helper.v1.AddMapping
                 * @instance
                 */
                AddMapping.prototype.externalPort = 0;

                /**
                 * AddMapping lifetimeSeconds.
                 * @member {number} lifetimeSeconds
                 * @memberof natpmp.helper.v1.AddMapping
                 * @instance
                 */
                AddMapping.prototype.lifetimeSeconds = 0;

                /**
                 * AddMapping origin.
                 * @member {natpmp.helper.v1.Origin} origin
                 * @memberof natpmp.helper.v1.AddMapping
                 * @instance
                 */
                AddMapping.prototype.origin = 0;

                /**
                 * AddMapping tool.
                 * @member {number} tool
                 * @memberof natpmp.helper.v1.AddMapping
                 * @instance
                 */
                AddMapping.prototype.tool = 0;

                /**
                 * Encodes the specified AddMapping message. Does not implicitly {@link natpmp.helper.v1.AddMapping.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.AddMapping
                 * @static
                 * @param {natpmp.helper.v1.AddMapping.$Properties} message AddMapping message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                AddMapping.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.protocol != null && $Object.hasOwnProperty.call(message, "protocol") && message.protocol !== 0)
                        writer.uint32(/* id 1, wireType 0 =*/8).int32(message.protocol);
                    if (message.internalAddress != null && $Object.hasOwnProperty.call(message, "internalAddress") && message.internalAddress !== 0)
                        writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.internalAddress);
                    if (message.internalPort != null && $Object.hasOwnProperty.call(message, "internalPort") && message.internalPort !== 0)
                        writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.internalPort);
                    if (message.externalPort != null && $Object.hasOwnProperty.call(message, "externalPort") && message.externalPort !== 0)
                        writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.externalPort);
                    if (message.lifetimeSeconds != null && $Object.hasOwnProperty.call(message, "lifetimeSeconds") && message.lifetimeSeconds !== 0)
                        writer.uint32(/* id 5, wireType 0 =*/40).uint32(message.lifetimeSeconds);
                    if (message.origin != null && $Object.hasOwnProperty.call(message, "origin") && message.origin !== 0)
                        writer.uint32(/* id 6, wireType 0 =*/48).int32(message.origin);
                    if (message.tool != null && $Object.hasOwnProperty.call(message, "tool") && message.tool !== 0)
                        writer.uint32(/* id 7, wireType 0 =*/56).uint32(message.tool);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes an AddMapping message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.AddMapping
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.AddMapping & natpmp.helper.v1.AddMapping.$Shape} AddMapping
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                AddMapping.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.AddMapping();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.protocol = value;
                                else
                                    delete message.protocol;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.internalAddress = value;
                                else
                                    delete message.internalAddress;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.internalPort = value;
                                else
                                    delete message.internalPort;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.externalPort = value;
                                else
                                    delete message.externalPort;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.lifetimeSeconds = value;
                                else
                                    delete message.lifetimeSeconds;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.origin = value;
                                else
                                    delete message.origin;
                                continue;
                            }
                        case 7: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.tool = value;
                                else
                                    delete message.tool;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return AddMapping;
            })();

            v1.RemoveMapping = (function() {

                /**
                 * Properties of a RemoveMapping.
                 * @typedef {Object} natpmp.helper.v1.RemoveMapping.$Properties
                 * @property {natpmp.helper.v1.Protocol|null} [protocol] RemoveMapping protocol
                 * @property {number|null} [internalAddress] RemoveMapping internalAddress
                 * @property {number|null} [internalPort] RemoveMapping internalPort
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a RemoveMapping.
                 * @memberof natpmp.helper.v1
                 * @interface IRemoveMapping
                 * @augments natpmp.helper.v1.RemoveMapping.$Properties
                 * @deprecated Use natpmp.helper.v1.RemoveMapping.$Properties instead.
                 */

                /**
                 * Shape of a RemoveMapping.
                 * @typedef {natpmp.helper.v1.RemoveMapping.$Properties} natpmp.helper.v1.RemoveMapping.$Shape
                 */

                /**
                 * Constructs a new RemoveMapping.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents a RemoveMapping.
                 * @constructor
                 * @param {natpmp.helper.v1.RemoveMapping.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const RemoveMapping = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * RemoveMapping protocol.
                 * @member {natpmp.helper.v1.Protocol} protocol
                 * @memberof natpmp.helper.v1.RemoveMapping
                 * @instance
                 */
                RemoveMapping.prototype.protocol = 0;

                /**
                 * RemoveMapping internalAddress.
                 * @member {number} internalAddress
                 * @memberof natpmp.helper.v1.RemoveMapping
                 * @instance
                 */
                RemoveMapping.prototype.internalAddress = 0;

                /**
                 * RemoveMapping internalPort.
                 * @member {number} internalPort
                 * @memberof natpmp.helper.v1.RemoveMapping
                 * @instance
                 */
                RemoveMapping.prototype.internalPort = 0;

                /**
                 * Encodes the specified RemoveMapping message. Does not implicitly {@link natpmp.helper.v1.RemoveMapping.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.RemoveMapping
                 * @static
                 * @param {natpmp.helper.v1.RemoveMapping.$Properties} message RemoveMapping message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                RemoveMapping.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.protocol != null && $Object.hasOwnProperty.call(message, "protocol") && message.protocol !== 0)
                        writer.uint32(/* id 1, wireType 0 =*/8).int32(message.protocol);
                    if (message.internalAddress != null && $Object.hasOwnProperty.call(message, "internalAddress") && message.internalAddress !== 0)
                        writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.internalAddress);
                    if (message.internalPort != null && $Object.hasOwnProperty.call(message, "internalPort") && message.internalPort !== 0)
                        writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.internalPort);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a RemoveMapping message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.RemoveMapping
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.RemoveMapping & natpmp.helper.v1.RemoveMapping.$Shape} RemoveMapping
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                RemoveMapping.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.RemoveMapping();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.protocol = value;
                                else
                                    delete message.protocol;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.internalAddress = value;
                                else
                                    delete message.internalAddress;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.internalPort = value;
                                else
                                    delete message.internalPort;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return RemoveMapping;
            })();

            v1.RemoveHostMappings = (function() {

                /**
                 * Properties of a RemoveHostMappings.
                 * @typedef {Object} natpmp.helper.v1.RemoveHostMappings.$Properties
                 * @property {natpmp.helper.v1.Protocol|null} [protocol] RemoveHostMappings protocol
                 * @property {number|null} [internalAddress] RemoveHostMappings internalAddress
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a RemoveHostMappings.
                 * @memberof natpmp.helper.v1
                 * @interface IRemoveHostMappings
                 * @augments natpmp.helper.v1.RemoveHostMappings.$Properties
                 * @deprecated Use natpmp.helper.v1.RemoveHostMappings.$Properties instead.
                 */

                /**
                 * Shape of a RemoveHostMappings.
                 * @typedef {natpmp.helper.v1.RemoveHostMappings.$Properties} natpmp.helper.v1.RemoveHostMappings.$Shape
                 */

                /**
                 * Constructs a new RemoveHostMappings.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents a RemoveHostMappings.
                 * @constructor
                 * @param {natpmp.helper.v1.RemoveHostMappings.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const RemoveHostMappings = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * RemoveHostMappings protocol.
                 * @member {natpmp.helper.v1.Protocol} protocol
                 * @memberof natpmp.helper.v1.RemoveHostMappings
                 * @instance
                 */
                RemoveHostMappings.prototype.protocol = 0;

                /**
                 * RemoveHostMappings internalAddress.
                 * @member {number} internalAddress
                 * @memberof natpmp.helper.v1.RemoveHostMappings
                 * @instance
                 */
                RemoveHostMappings.prototype.internalAddress = 0;

                /**
                 * Encodes the specified RemoveHostMappings message. Does not implicitly {@link natpmp.helper.v1.RemoveHostMappings.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.RemoveHostMappings
                 * @static
                 * @param {natpmp.helper.v1.RemoveHostMappings.$Properties} message RemoveHostMappings message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                RemoveHostMappings.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.protocol != null && $Object.hasOwnProperty.call(message, "protocol") && message.protocol !== 0)
                        writer.uint32(/* id 1, wireType 0 =*/8).int32(message.protocol);
                    if (message.internalAddress != null && $Object.hasOwnProperty.call(message, "internalAddress") && message.internalAddress !== 0)
                        writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.internalAddress);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a RemoveHostMappings message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.RemoveHostMappings
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.RemoveHostMappings & natpmp.helper.v1.RemoveHostMappings.$Shape} RemoveHostMappings
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                RemoveHostMappings.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.RemoveHostMappings();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.protocol = value;
                                else
                                    delete message.protocol;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.internalAddress = value;
                                else
                                    delete message.internalAddress;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return RemoveHostMappings;
            })();

            v1.ListMappings = (function() {

                /**
                 * Properties of a ListMappings.
                 * @typedef {Object} natpmp.helper.v1.ListMappings.$Properties
                 * @property {number|null} [after] ListMappings after
                 * @property {number|null} [limit] ListMappings limit
                 * @property {boolean|null} [traffic] ListMappings traffic
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a ListMappings.
                 * @memberof natpmp.helper.v1
                 * @interface IListMappings
                 * @augments natpmp.helper.v1.ListMappings.$Properties
                 * @deprecated Use natpmp.helper.v1.ListMappings.$Properties instead.
                 */

                /**
                 * Shape of a ListMappings.
                 * @typedef {natpmp.helper.v1.ListMappings.$Properties} natpmp.helper.v1.ListMappings.$Shape
                 */

                /**
                 * Constructs a new ListMappings.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents a ListMappings.
                 * @constructor
                 * @param {natpmp.helper.v1.ListMappings.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const ListMappings = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * ListMappings after.
                 * @member {number} after
                 * @memberof natpmp.helper.v1.ListMappings
                 * @instance
                 */
                ListMappings.prototype.after = 0;

                /**
                 * ListMappings limit.
                 * @member {number} limit
                 * @memberof natpmp.helper.v1.ListMappings
                 * @instance
                 */
                ListMappings.prototype.limit = 0;

                /**
                 * ListMappings traffic.
                 * @member {boolean} traffic
                 * @memberof natpmp.helper.v1.ListMappings
                 * @instance
                 */
                ListMappings.prototype.traffic = false;

                /**
                 * Encodes the specified ListMappings message. Does not implicitly {@link natpmp.helper.v1.ListMappings.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.ListMappings
                 * @static
                 * @param {natpmp.helper.v1.ListMappings.$Properties} message ListMappings message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                ListMappings.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.after != null && $Object.hasOwnProperty.call(message, "after") && message.after !== 0)
                        writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.after);
                    if (message.limit != null && $Object.hasOwnProperty.call(message, "limit") && message.limit !== 0)
                        writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.limit);
                    if (message.traffic != null && $Object.hasOwnProperty.call(message, "traffic") && message.traffic !== false)
                        writer.uint32(/* id 3, wireType 0 =*/24).bool(message.traffic);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a ListMappings message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.ListMappings
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.ListMappings & natpmp.helper.v1.ListMappings.$Shape} ListMappings
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                ListMappings.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.ListMappings();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.after = value;
                                else
                                    delete message.after;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.limit = value;
                                else
                                    delete message.limit;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.traffic = value;
                                else
                                    delete message.traffic;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return ListMappings;
            })();

            v1.AddPinhole = (function() {

                /**
                 * Properties of an AddPinhole.
                 * @typedef {Object} natpmp.helper.v1.AddPinhole.$Properties
                 * @property {natpmp.helper.v1.Protocol|null} [protocol] AddPinhole protocol
                 * @property {Uint8Array|null} [address] AddPinhole address
                 * @property {number|null} [port] AddPinhole port
                 * @property {number|null} [lifetimeSeconds] AddPinhole lifetimeSeconds
                 * @property {natpmp.helper.v1.Origin|null} [origin] AddPinhole origin
                 * @property {Uint8Array|null} [nonce] AddPinhole nonce
                 * @property {number|null} [hardwareAddress] AddPinhole hardwareAddress
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of an AddPinhole.
                 * @memberof natpmp.helper.v1
                 * @interface IAddPinhole
                 * @augments natpmp.helper.v1.AddPinhole.$Properties
                 * @deprecated Use natpmp.helper.v1.AddPinhole.$Properties instead.
                 */

                /**
                 * Shape of an AddPinhole.
                 * @typedef {natpmp.helper.v1.AddPinhole.$Properties} natpmp.helper.v1.AddPinhole.$Shape
                 */

                /**
                 * Constructs a new AddPinhole.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents an AddPinhole.
                 * @constructor
                 * @param {natpmp.helper.v1.AddPinhole.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const AddPinhole = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * AddPinhole protocol.
                 * @member {natpmp.helper.v1.Protocol} protocol
                 * @memberof natpmp.helper.v1.AddPinhole
                 * @instance
                 */
                AddPinhole.prototype.protocol = 0;

                /**
                 * AddPinhole address.
                 * @member {Uint8Array} address
                 * @memberof natpmp.helper.v1.AddPinhole
                 * @instance
                 */
                AddPinhole.prototype.address = $util.newBuffer([]);

                /**
                 * AddPinhole port.
                 * @member {number} port
                 * @memberof natpmp.helper.v1.AddPinhole
                 * @instance
                 */
                AddPinhole.prototype.port = 0;

                /**
                 * AddPinhole lifetimeSeconds.
                 * @member {number} lifetimeSeconds
                 * @memberof natpmp.helper.v1.AddPinhole
                 * @instance
                 */
                AddPinhole.prototype.lifetimeSeconds = 0;

                /**
                 * AddPinhole origin.
                 * @member {natpmp.helper.v1.Origin} origin
                 * @memberof natpmp.helper.v1.AddPinhole
                 * @instance
                 */
                AddPinhole.prototype.origin = 0;

                /**
                 * AddPinhole nonce.
                 * @member {Uint8Array} nonce
                 * @memberof natpmp.helper.v1.AddPinhole
                 * @instance
                 */
                AddPinhole.prototype.nonce = $util.newBuffer([]);

                /**
                 * AddPinhole hardwareAddress.
                 * @member {number} hardwareAddress
                 * @memberof natpmp.helper.v1.AddPinhole
                 * @instance
                 */
                AddPinhole.prototype.hardwareAddress = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Encodes the specified AddPinhole message. Does not implicitly {@link natpmp.helper.v1.AddPinhole.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.AddPinhole
                 * @static
                 * @param {natpmp.helper.v1.AddPinhole.$Properties} message AddPinhole message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                AddPinhole.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.protocol != null && $Object.hasOwnProperty.call(message, "protocol") && message.protocol !== 0)
                        writer.uint32(/* id 1, wireType 0 =*/8).int32(message.protocol);
                    if (message.address != null && $Object.hasOwnProperty.call(message, "address") && message.address.length)
                        writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.address);
                    if (message.port != null && $Object.hasOwnProperty.call(message, "port") && message.port !== 0)
                        writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.port);
                    if (message.lifetimeSeconds != null && $Object.hasOwnProperty.call(message, "lifetimeSeconds") && message.lifetimeSeconds !== 0)
                        writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.lifetimeSeconds);
                    if (message.origin != null && $Object.hasOwnProperty.call(message, "origin") && message.origin !== 0)
                        writer.uint32(/* id 5, wireType 0 =*/40).int32(message.origin);
                    if (message.nonce != null && $Object.hasOwnProperty.call(message, "nonce") && message.nonce.length)
                        writer.uint32(/* id 6, wireType 2 =*/50).bytes(message.nonce);
                    if (message.hardwareAddress != null && $Object.hasOwnProperty.call(message, "hardwareAddress") && (typeof message.hardwareAddress === "object" ? message.hardwareAddress.low || message.hardwareAddress.high : message.hardwareAddress !== 0))
                        writer.uint32(/* id 7, wireType 0 =*/56).uint64(message.hardwareAddress);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes an AddPinhole message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.AddPinhole
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.AddPinhole & natpmp.helper.v1.AddPinhole.$Shape} AddPinhole
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                AddPinhole.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.AddPinhole();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.protocol = value;
                                else
                                    delete message.protocol;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.bytes()).length)
                                    message.address = value;
                                else
                                    delete message.address;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.port = value;
                                else
                                    delete message.port;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.lifetimeSeconds = value;
                                else
                                    delete message.lifetimeSeconds;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.origin = value;
                                else
                                    delete message.origin;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.bytes()).length)
                                    message.nonce = value;
                                else
                                    delete message.nonce;
                                continue;
                            }
                        case 7: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.hardwareAddress = value;
                                else
                                    delete message.hardwareAddress;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return AddPinhole;
            })();

            v1.RemovePinhole = (function() {

                /**
                 * Properties of a RemovePinhole.
                 * @typedef {Object} natpmp.helper.v1.RemovePinhole.$Properties
                 * @property {natpmp.helper.v1.Protocol|null} [protocol] RemovePinhole protocol
                 * @property {Uint8Array|null} [address] RemovePinhole address
                 * @property {number|null} [port] RemovePinhole port
                 * @property {Uint8Array|null} [nonce] RemovePinhole nonce
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a RemovePinhole.
                 * @memberof natpmp.helper.v1
                 * @interface IRemovePinhole
                 * @augments natpmp.helper.v1.RemovePinhole.$Properties
                 * @deprecated Use natpmp.helper.v1.RemovePinhole.$Properties instead.
                 */

                /**
                 * Shape of a RemovePinhole.
                 * @typedef {natpmp.helper.v1.RemovePinhole.$Properties} natpmp.helper.v1.RemovePinhole.$Shape
                 */

                /**
                 * Constructs a new RemovePinhole.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents a RemovePinhole.
                 * @constructor
                 * @param {natpmp.helper.v1.RemovePinhole.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const RemovePinhole = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * RemovePinhole protocol.
                 * @member {natpmp.helper.v1.Protocol} protocol
                 * @memberof natpmp.helper.v1.RemovePinhole
                 * @instance
                 */
                RemovePinhole.prototype.protocol = 0;

                /**
                 * RemovePinhole address.
                 * @member {Uint8Array} address
                 * @memberof natpmp.helper.v1.RemovePinhole
                 * @instance
                 */
                RemovePinhole.prototype.address = $util.newBuffer([]);

                /**
                 * RemovePinhole port.
                 * @member {number} port
                 * @memberof natpmp.helper.v1.RemovePinhole
                 * @instance
                 */
                RemovePinhole.prototype.port = 0;

                /**
                 * RemovePinhole nonce.
                 * @member {Uint8Array} nonce
                 * @memberof natpmp.helper.v1.RemovePinhole
                 * @instance
                 */
                RemovePinhole.prototype.nonce = $util.newBuffer([]);

                /**
                 * Encodes the specified RemovePinhole message. Does not implicitly {@link natpmp.helper.v1.RemovePinhole.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.RemovePinhole
                 * @static
                 * @param {natpmp.helper.v1.RemovePinhole.$Properties} message RemovePinhole message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                RemovePinhole.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.protocol != null && $Object.hasOwnProperty.call(message, "protocol") && message.protocol !== 0)
                        writer.uint32(/* id 1, wireType 0 =*/8).int32(message.protocol);
                    if (message.address != null && $Object.hasOwnProperty.call(message, "address") && message.address.length)
                        writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.address);
                    if (message.port != null && $Object.hasOwnProperty.call(message, "port") && message.port !== 0)
                        writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.port);
                    if (message.nonce != null && $Object.hasOwnProperty.call(message, "nonce") && message.nonce.length)
                        writer.uint32(/* id 4, wireType 2 =*/34).bytes(message.nonce);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a RemovePinhole message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.RemovePinhole
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.RemovePinhole & natpmp.helper.v1.RemovePinhole.$Shape} RemovePinhole
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                RemovePinhole.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.RemovePinhole();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.protocol = value;
                                else
                                    delete message.protocol;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.bytes()).length)
                                    message.address = value;
                                else
                                    delete message.address;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.port = value;
                                else
                                    delete message.port;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.bytes()).length)
                                    message.nonce = value;
                                else
                                    delete message.nonce;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return RemovePinhole;
            })();

            v1.ListPinholes = (function() {

                /**
                 * Properties of a ListPinholes.
                 * @typedef {Object} natpmp.helper.v1.ListPinholes.$Properties
                 * @property {number|null} [after] ListPinholes after
                 * @property {number|null} [limit] ListPinholes limit
                 * @property {boolean|null} [traffic] ListPinholes traffic
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a ListPinholes.
                 * @memberof natpmp.helper.v1
                 * @interface IListPinholes
                 * @augments natpmp.helper.v1.ListPinholes.$Properties
                 * @deprecated Use natpmp.helper.v1.ListPinholes.$Properties instead.
                 */

                /**
                 * Shape of a ListPinholes.
                 * @typedef {natpmp.helper.v1.ListPinholes.$Properties} natpmp.helper.v1.ListPinholes.$Shape
                 */

                /**
                 * Constructs a new ListPinholes.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents a ListPinholes.
                 * @constructor
                 * @param {natpmp.helper.v1.ListPinholes.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const ListPinholes = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * ListPinholes after.
                 * @member {number} after
                 * @memberof natpmp.helper.v1.ListPinholes
                 * @instance
                 */
                ListPinholes.prototype.after = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * ListPinholes limit.
                 * @member {number} limit
                 * @memberof natpmp.helper.v1.ListPinholes
                 * @instance
                 */
                ListPinholes.prototype.limit = 0;

                /**
                 * ListPinholes traffic.
                 * @member {boolean} traffic
                 * @memberof natpmp.helper.v1.ListPinholes
                 * @instance
                 */
                ListPinholes.prototype.traffic = false;

                /**
                 * Encodes the specified ListPinholes message. Does not implicitly {@link natpmp.helper.v1.ListPinholes.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.ListPinholes
                 * @static
                 * @param {natpmp.helper.v1.ListPinholes.$Properties} message ListPinholes message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                ListPinholes.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.after != null && $Object.hasOwnProperty.call(message, "after") && (typeof message.after === "object" ? message.after.low || message.after.high : message.after !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.after);
                    if (message.limit != null && $Object.hasOwnProperty.call(message, "limit") && message.limit !== 0)
                        writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.limit);
                    if (message.traffic != null && $Object.hasOwnProperty.call(message, "traffic") && message.traffic !== false)
                        writer.uint32(/* id 3, wireType 0 =*/24).bool(message.traffic);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a ListPinholes message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.ListPinholes
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.ListPinholes & natpmp.helper.v1.ListPinholes.$Shape} ListPinholes
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                ListPinholes.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.ListPinholes();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.after = value;
                                else
                                    delete message.after;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.limit = value;
                                else
                                    delete message.limit;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.traffic = value;
                                else
                                    delete message.traffic;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return ListPinholes;
            })();

            v1.Watch = (function() {

                /**
                 * Properties of a Watch.
                 * @typedef {Object} natpmp.helper.v1.Watch.$Properties
                 * @property {boolean|null} [pinholes] Watch pinholes
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Watch.
                 * @memberof natpmp.helper.v1
                 * @interface IWatch
                 * @augments natpmp.helper.v1.Watch.$Properties
                 * @deprecated Use natpmp.helper.v1.Watch.$Properties instead.
                 */

                /**
                 * Shape of a Watch.
                 * @typedef {natpmp.helper.v1.Watch.$Properties} natpmp.helper.v1.Watch.$Shape
                 */

                /**
                 * Constructs a new Watch.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents a Watch.
                 * @constructor
                 * @param {natpmp.helper.v1.Watch.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Watch = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Watch pinholes.
                 * @member {boolean} pinholes
                 * @memberof natpmp.helper.v1.Watch
                 * @instance
                 */
                Watch.prototype.pinholes = false;

                /**
                 * Encodes the specified Watch message. Does not implicitly {@link natpmp.helper.v1.Watch.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.Watch
                 * @static
                 * @param {natpmp.helper.v1.Watch.$Properties} message Watch message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Watch.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.pinholes != null && $Object.hasOwnProperty.call(message, "pinholes") && message.pinholes !== false)
                        writer.uint32(/* id 1, wireType 0 =*/8).bool(message.pinholes);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Watch message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.Watch
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Watch & natpmp.helper.v1.Watch.$Shape} Watch
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Watch.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.Watch();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.pinholes = value;
                                else
                                    delete message.pinholes;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return Watch;
            })();

            v1.Status = (function() {

                /**
                 * Properties of a Status.
                 * @typedef {Object} natpmp.helper.v1.Status.$Properties
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Status.
                 * @memberof natpmp.helper.v1
                 * @interface IStatus
                 * @augments natpmp.helper.v1.Status.$Properties
                 * @deprecated Use natpmp.helper.v1.Status.$Properties instead.
                 */

                /**
                 * Shape of a Status.
                 * @typedef {natpmp.helper.v1.Status.$Properties} natpmp.helper.v1.Status.$Shape
                 */

                /**
                 * Constructs a new Status.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents a Status.
                 * @constructor
                 * @param {natpmp.helper.v1.Status.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Status = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Encodes the specified Status message. Does not implicitly {@link natpmp.helper.v1.Status.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.Status
                 * @static
                 * @param {natpmp.helper.v1.Status.$Properties} message Status message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Status.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Status message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.Status
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Status & natpmp.helper.v1.Status.$Shape} Status
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Status.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.Status();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        reader.skipType(tag & 7, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return Status;
            })();

            v1.Mapping = (function() {

                /**
                 * Properties of a Mapping.
                 * @typedef {Object} natpmp.helper.v1.Mapping.$Properties
                 * @property {natpmp.helper.v1.Protocol|null} [protocol] Mapping protocol
                 * @property {number|null} [internalAddress] Mapping internalAddress
                 * @property {number|null} [internalPort] Mapping internalPort
                 * @property {number|null} [externalPort] Mapping externalPort
                 * @property {number|null} [lifetimeSeconds] Mapping lifetimeSeconds
                 * @property {natpmp.helper.v1.Origin|null} [origin] Mapping origin
                 * @property {number|null} [expiresAtMs] Mapping expiresAtMs
                 * @property {natpmp.helper.v1.Traffic.$Properties|null} [traffic] Mapping traffic
                 * @property {number|null} [tool] Mapping tool
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Mapping.
                 * @memberof natpmp.helper.v1
                 * @interface IMapping
                 * @augments natpmp.helper.v1.Mapping.$Properties
                 * @deprecated Use natpmp.helper.v1.Mapping.$Properties instead.
                 */

                /**
                 * Shape of a Mapping.
                 * @typedef {natpmp.helper.v1.Mapping.$Properties} natpmp.helper.v1.Mapping.$Shape
                 */

                /**
                 * Constructs a new Mapping.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents a Mapping.
                 * @constructor
                 * @param {natpmp.helper.v1.Mapping.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Mapping = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Mapping protocol.
                 * @member {natpmp.helper.v1.Protocol} protocol
                 * @memberof natpmp.helper.v1.Mapping
                 * @instance
                 */
                Mapping.prototype.protocol = 0;

                /**
                 * Mapping internalAddress.
                 * @member {number} internalAddress
                 * @memberof natpmp.helper.v1.Mapping
                 * @instance
                 */
                Mapping.prototype.internalAddress = 0;

                /**
                 * Mapping internalPort.
                 * @member {number} internalPort
                 * @memberof natpmp.helper.v1.Mapping
                 * @instance
                 */
                Mapping.prototype.internalPort = 0;

                /**
                 * Mapping externalPort.
                 * @member {number} externalPort
                 * @memberof natpmp.helper.v1.Mapping
                 * @instance
                 */
                Mapping.prototype.externalPort = 0;

                /**
                 * Mapping lifetimeSeconds.
                 * @member {number} lifetimeSeconds
                 * @memberof natpmp.helper.v1.Mapping
                 * @instance
                 */
                Mapping.prototype.lifetimeSeconds = 0;

                /**
                 * Mapping origin.
                 * @member {natpmp.helper.v1.Origin} origin
                 * @memberof natpmp.helper.v1.Mapping
                 * @instance
                 */
                Mapping.prototype.origin = 0;

                /**
                 * Mapping expiresAtMs.
                 * @member {number} expiresAtMs
                 * @memberof natpmp.helper.v1.Mapping
                 * @instance
                 */
                Mapping.prototype.expiresAtMs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Mapping traffic.
                 * @member {natpmp.helper.v1.Traffic.$Properties|null|undefined} traffic
                 * @memberof natpmp.helper.v1.Mapping
                 * @instance
                 */
                Mapping.prototype.traffic = null;

                /**
                 * Mapping tool.
                 * @member {number} tool
                 * @memberof natpmp.helper.v1.Mapping
                 * @instance
                 */
                Mapping.prototype.tool = 0;

                /**
                 * Encodes the specified Mapping message. Does not implicitly {@link natpmp.helper.v1.Mapping.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.Mapping
                 * @static
                 * @param {natpmp.helper.v1.Mapping.$Properties} message Mapping message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Mapping.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.protocol != null && $Object.hasOwnProperty.call(message, "protocol") && message.protocol !== 0)
                        writer.uint32(/* id 1, wireType 0 =*/8).int32(message.protocol);
                    if (message.internalAddress != null && $Object.hasOwnProperty.call(message, "internalAddress") && message.internalAddress !== 0)
                        writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.internalAddress);
                    if (message.internalPort != null && $Object.hasOwnProperty.call(message, "internalPort") && message.internalPort !== 0)
                        writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.internalPort);
                    if (message.externalPort != null && $Object.hasOwnProperty.call(message, "externalPort") && message.externalPort !== 0)
                        writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.externalPort);
                    if (message.lifetimeSeconds != null && $Object.hasOwnProperty.call(message, "lifetimeSeconds") && message.lifetimeSeconds !== 0)
                        writer.uint32(/* id 5, wireType 0 =*/40).uint32(message.lifetimeSeconds);
                    if (message.origin != null && $Object.hasOwnProperty.call(message, "origin") && message.origin !== 0)
                        writer.uint32(/* id 6, wireType 0 =*/48).int32(message.origin);
                    if (message.expiresAtMs != null && $Object.hasOwnProperty.call(message, "expiresAtMs") && (typeof message.expiresAtMs === "object" ? message.expiresAtMs.low || message.expiresAtMs.high : message.expiresAtMs !== 0))
                        writer.uint32(/* id 7, wireType 0 =*/56).uint64(message.expiresAtMs);
                    if (message.traffic != null && $Object.hasOwnProperty.call(message, "traffic"))
                        $root.natpmp.helper.v1.Traffic.encode(message.traffic, writer.uint32(/* id 8, wireType 2 =*/66).fork(), _depth + 1).ldelim();
                    if (message.tool != null && $Object.hasOwnProperty.call(message, "tool") && message.tool !== 0)
                        writer.uint32(/* id 9, wireType 0 =*/72).uint32(message.tool);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Mapping message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.Mapping
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Mapping & natpmp.helper.v1.Mapping.$Shape} Mapping
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Mapping.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.Mapping();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.protocol = value;
                                else
                                    delete message.protocol;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.internalAddress = value;
                                else
                                    delete message.internalAddress;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.internalPort = value;
                                else
                                    delete message.internalPort;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.externalPort = value;
                                else
                                    delete message.externalPort;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.lifetimeSeconds = value;
                                else
                                    delete message.lifetimeSeconds;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.origin = value;
                                else
                                    delete message.origin;
                                continue;
                            }
                        case 7: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.expiresAtMs = value;
                                else
                                    delete message.expiresAtMs;
                                continue;
                            }
                        case 8: {
                                if (wireType !== 2)
                                    break;
                                message.traffic = $root.natpmp.helper.v1.Traffic.decode(reader, reader.size(), $undefined, _depth + 1, message.traffic);
                                continue;
                            }
                        case 9: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.tool = value;
                                else
                                    delete message.tool;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return Mapping;
            })();

            v1.Traffic = (function() {

                /**
                 * Properties of a Traffic.
                 * @typedef {Object} natpmp.helper.v1.Traffic.$Properties
                 * @property {number|null} [packets] Traffic packets
                 * @property {number|null} [bytes] Traffic bytes
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Traffic.
                 * @memberof natpmp.helper.v1
                 * @interface ITraffic
                 * @augments natpmp.helper.v1.Traffic.$Properties
                 * @deprecated Use natpmp.helper.v1.Traffic.$Properties instead.
                 */

                /**
                 * Shape of a Traffic.
                 * @typedef {natpmp.helper.v1.Traffic.$Properties} natpmp.helper.v1.Traffic.$Shape
                 */

                /**
                 * Constructs a new Traffic.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents a Traffic.
                 * @constructor
                 * @param {natpmp.helper.v1.Traffic.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Traffic = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Traffic packets.
                 * @member {number} packets
                 * @memberof natpmp.helper.v1.Traffic
                 * @instance
                 */
                Traffic.prototype.packets = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Traffic bytes.
                 * @member {number} bytes
                 * @memberof natpmp.helper.v1.Traffic
                 * @instance
                 */
                Traffic.prototype.bytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Encodes the specified Traffic message. Does not implicitly {@link natpmp.helper.v1.Traffic.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.Traffic
                 * @static
                 * @param {natpmp.helper.v1.Traffic.$Properties} message Traffic message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Traffic.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.packets != null && $Object.hasOwnProperty.call(message, "packets") && (typeof message.packets === "object" ? message.packets.low || message.packets.high : message.packets !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.packets);
                    if (message.bytes != null && $Object.hasOwnProperty.call(message, "bytes") && (typeof message.bytes === "object" ? message.bytes.low || message.bytes.high : message.bytes !== 0))
                        writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.bytes);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Traffic message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.Traffic
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Traffic & natpmp.helper.v1.Traffic.$Shape} Traffic
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Traffic.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.Traffic();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.packets = value;
                                else
                                    delete message.packets;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.bytes = value;
                                else
                                    delete message.bytes;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return Traffic;
            })();

            v1.Removed = (function() {

                /**
                 * Properties of a Removed.
                 * @typedef {Object} natpmp.helper.v1.Removed.$Properties
                 * @property {number|null} [count] Removed count
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Removed.
                 * @memberof natpmp.helper.v1
                 * @interface IRemoved
                 * @augments natpmp.helper.v1.Removed.$Properties
                 * @deprecated Use natpmp.helper.v1.Removed.$Properties instead.
                 */

                /**
                 * Shape of a Removed.
                 * @typedef {natpmp.helper.v1.Removed.$Properties} natpmp.helper.v1.Removed.$Shape
                 */

                /**
                 * Constructs a new Removed.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents a Removed.
                 * @constructor
                 * @param {natpmp.helper.v1.Removed.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Removed = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Removed count.
                 * @member {number} count
                 * @memberof natpmp.helper.v1.Removed
                 * @instance
                 */
                Removed.prototype.count = 0;

                /**
                 * Encodes the specified Removed message. Does not implicitly {@link natpmp.helper.v1.Removed.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.Removed
                 * @static
                 * @param {natpmp.helper.v1.Removed.$Properties} message Removed message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Removed.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.count != null && $Object.hasOwnProperty.call(message, "count") && message.count !== 0)
                        writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.count);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Removed message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.Removed
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Removed & natpmp.helper.v1.Removed.$Shape} Removed
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Removed.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.Removed();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.count = value;
                                else
                                    delete message.count;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return Removed;
            })();

            v1.HostMappingsRemoved = (function() {

                /**
                 * Properties of a HostMappingsRemoved.
                 * @typedef {Object} natpmp.helper.v1.HostMappingsRemoved.$Properties
                 * @property {number|null} [count] HostMappingsRemoved count
                 * @property {number|null} [kept] HostMappingsRemoved kept
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a HostMappingsRemoved.
                 * @memberof natpmp.helper.v1
                 * @interface IHostMappingsRemoved
                 * @augments natpmp.helper.v1.HostMappingsRemoved.$Properties
                 * @deprecated Use natpmp.helper.v1.HostMappingsRemoved.$Properties instead.
                 */

                /**
                 * Shape of a HostMappingsRemoved.
                 * @typedef {natpmp.helper.v1.HostMappingsRemoved.$Properties} natpmp.helper.v1.HostMappingsRemoved.$Shape
                 */

                /**
                 * Constructs a new HostMappingsRemoved.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents a HostMappingsRemoved.
                 * @constructor
                 * @param {natpmp.helper.v1.HostMappingsRemoved.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const HostMappingsRemoved = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * HostMappingsRemoved count.
                 * @member {number} count
                 * @memberof natpmp.helper.v1.HostMappingsRemoved
                 * @instance
                 */
                HostMappingsRemoved.prototype.count = 0;

                /**
                 * HostMappingsRemoved kept.
                 * @member {number} kept
                 * @memberof natpmp.helper.v1.HostMappingsRemoved
                 * @instance
                 */
                HostMappingsRemoved.prototype.kept = 0;

                /**
                 * Encodes the specified HostMappingsRemoved message. Does not implicitly {@link natpmp.helper.v1.HostMappingsRemoved.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.HostMappingsRemoved
                 * @static
                 * @param {natpmp.helper.v1.HostMappingsRemoved.$Properties} message HostMappingsRemoved message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                HostMappingsRemoved.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.count != null && $Object.hasOwnProperty.call(message, "count") && message.count !== 0)
                        writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.count);
                    if (message.kept != null && $Object.hasOwnProperty.call(message, "kept") && message.kept !== 0)
                        writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.kept);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a HostMappingsRemoved message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.HostMappingsRemoved
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.HostMappingsRemoved & natpmp.helper.v1.HostMappingsRemoved.$Shape} HostMappingsRemoved
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                HostMappingsRemoved.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.HostMappingsRemoved();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.count = value;
                                else
                                    delete message.count;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.kept = value;
                                else
                                    delete message.kept;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return HostMappingsRemoved;
            })();

            v1.Pinhole = (function() {

                /**
                 * Properties of a Pinhole.
                 * @typedef {Object} natpmp.helper.v1.Pinhole.$Properties
                 * @property {natpmp.helper.v1.Protocol|null} [protocol] Pinhole protocol
                 * @property {Uint8Array|null} [address] Pinhole address
                 * @property {number|null} [port] Pinhole port
                 * @property {number|null} [lifetimeSeconds] Pinhole lifetimeSeconds
                 * @property {natpmp.helper.v1.Origin|null} [origin] Pinhole origin
                 * @property {number|null} [expiresAtMs] Pinhole expiresAtMs
                 * @property {number|null} [hardwareAddress] Pinhole hardwareAddress
                 * @property {natpmp.helper.v1.Traffic.$Properties|null} [traffic] Pinhole traffic
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Pinhole.
                 * @memberof natpmp.helper.v1
                 * @interface IPinhole
                 * @augments natpmp.helper.v1.Pinhole.$Properties
                 * @deprecated Use natpmp.helper.v1.Pinhole.$Properties instead.
                 */

                /**
                 * Shape of a Pinhole.
                 * @typedef {natpmp.helper.v1.Pinhole.$Properties} natpmp.helper.v1.Pinhole.$Shape
                 */

                /**
                 * Constructs a new Pinhole.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents a Pinhole.
                 * @constructor
                 * @param {natpmp.helper.v1.Pinhole.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Pinhole = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Pinhole protocol.
                 * @member {natpmp.helper.v1.Protocol} protocol
                 * @memberof natpmp.helper.v1.Pinhole
                 * @instance
                 */
                Pinhole.prototype.protocol = 0;

                /**
                 * Pinhole address.
                 * @member {Uint8Array} address
                 * @memberof natpmp.helper.v1.Pinhole
                 * @instance
                 */
                Pinhole.prototype.address = $util.newBuffer([]);

                /**
                 * Pinhole port.
                 * @member {number} port
                 * @memberof natpmp.helper.v1.Pinhole
                 * @instance
                 */
                Pinhole.prototype.port = 0;

                /**
                 * Pinhole lifetimeSeconds.
                 * @member {number} lifetimeSeconds
                 * @memberof natpmp.helper.v1.Pinhole
                 * @instance
                 */
                Pinhole.prototype.lifetimeSeconds = 0;

                /**
                 * Pinhole origin.
                 * @member {natpmp.helper.v1.Origin} origin
                 * @memberof natpmp.helper.v1.Pinhole
                 * @instance
                 */
                Pinhole.prototype.origin = 0;

                /**
                 * Pinhole expiresAtMs.
                 * @member {number} expiresAtMs
                 * @memberof natpmp.helper.v1.Pinhole
                 * @instance
                 */
                Pinhole.prototype.expiresAtMs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Pinhole hardwareAddress.
                 * @member {number} hardwareAddress
                 * @memberof natpmp.helper.v1.Pinhole
                 * @instance
                 */
                Pinhole.prototype.hardwareAddress = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Pinhole traffic.
                 * @member {natpmp.helper.v1.Traffic.$Properties|null|undefined} traffic
                 * @memberof natpmp.helper.v1.Pinhole
                 * @instance
                 */
                Pinhole.prototype.traffic = null;

                /**
                 * Encodes the specified Pinhole message. Does not implicitly {@link natpmp.helper.v1.Pinhole.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.Pinhole
                 * @static
                 * @param {natpmp.helper.v1.Pinhole.$Properties} message Pinhole message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Pinhole.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.protocol != null && $Object.hasOwnProperty.call(message, "protocol") && message.protocol !== 0)
                        writer.uint32(/* id 1, wireType 0 =*/8).int32(message.protocol);
                    if (message.address != null && $Object.hasOwnProperty.call(message, "address") && message.address.length)
                        writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.address);
                    if (message.port != null && $Object.hasOwnProperty.call(message, "port") && message.port !== 0)
                        writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.port);
                    if (message.lifetimeSeconds != null && $Object.hasOwnProperty.call(message, "lifetimeSeconds") && message.lifetimeSeconds !== 0)
                        writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.lifetimeSeconds);
                    if (message.origin != null && $Object.hasOwnProperty.call(message, "origin") && message.origin !== 0)
                        writer.uint32(/* id 5, wireType 0 =*/40).int32(message.origin);
                    if (message.expiresAtMs != null && $Object.hasOwnProperty.call(message, "expiresAtMs") && (typeof message.expiresAtMs === "object" ? message.expiresAtMs.low || message.expiresAtMs.high : message.expiresAtMs !== 0))
                        writer.uint32(/* id 6, wireType 0 =*/48).uint64(message.expiresAtMs);
                    if (message.hardwareAddress != null && $Object.hasOwnProperty.call(message, "hardwareAddress") && (typeof message.hardwareAddress === "object" ? message.hardwareAddress.low || message.hardwareAddress.high : message.hardwareAddress !== 0))
                        writer.uint32(/* id 7, wireType 0 =*/56).uint64(message.hardwareAddress);
                    if (message.traffic != null && $Object.hasOwnProperty.call(message, "traffic"))
                        $root.natpmp.helper.v1.Traffic.encode(message.traffic, writer.uint32(/* id 8, wireType 2 =*/66).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Pinhole message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.Pinhole
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Pinhole & natpmp.helper.v1.Pinhole.$Shape} Pinhole
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Pinhole.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.Pinhole();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.protocol = value;
                                else
                                    delete message.protocol;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.bytes()).length)
                                    message.address = value;
                                else
                                    delete message.address;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.port = value;
                                else
                                    delete message.port;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.lifetimeSeconds = value;
                                else
                                    delete message.lifetimeSeconds;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.origin = value;
                                else
                                    delete message.origin;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.expiresAtMs = value;
                                else
                                    delete message.expiresAtMs;
                                continue;
                            }
                        case 7: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.hardwareAddress = value;
                                else
                                    delete message.hardwareAddress;
                                continue;
                            }
                        case 8: {
                                if (wireType !== 2)
                                    break;
                                message.traffic = $root.natpmp.helper.v1.Traffic.decode(reader, reader.size(), $undefined, _depth + 1, message.traffic);
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return Pinhole;
            })();

            v1.PinholeList = (function() {

                /**
                 * Properties of a PinholeList.
                 * @typedef {Object} natpmp.helper.v1.PinholeList.$Properties
                 * @property {Array.<natpmp.helper.v1.Pinhole.$Properties>|null} [pinholes] PinholeList pinholes
                 * @property {number|null} [next] PinholeList next
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a PinholeList.
                 * @memberof natpmp.helper.v1
                 * @interface IPinholeList
                 * @augments natpmp.helper.v1.PinholeList.$Properties
                 * @deprecated Use natpmp.helper.v1.PinholeList.$Properties instead.
                 */

                /**
                 * Shape of a PinholeList.
                 * @typedef {natpmp.helper.v1.PinholeList.$Properties} natpmp.helper.v1.PinholeList.$Shape
                 */

                /**
                 * Constructs a new PinholeList.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents a PinholeList.
                 * @constructor
                 * @param {natpmp.helper.v1.PinholeList.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const PinholeList = function (properties) {
                    this.pinholes = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * PinholeList pinholes.
                 * @member {Array.<natpmp.helper.v1.Pinhole.$Properties>} pinholes
                 * @memberof natpmp.helper.v1.PinholeList
                 * @instance
                 */
                PinholeList.prototype.pinholes = $util.emptyArray;

                /**
                 * PinholeList next.
                 * @member {number} next
                 * @memberof natpmp.helper.v1.PinholeList
                 * @instance
                 */
                PinholeList.prototype.next = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Encodes the specified PinholeList message. Does not implicitly {@link natpmp.helper.v1.PinholeList.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.PinholeList
                 * @static
                 * @param {natpmp.helper.v1.PinholeList.$Properties} message PinholeList message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                PinholeList.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.pinholes != null && message.pinholes.length)
                        for (let i = 0; i < message.pinholes.length; ++i)
                            $root.natpmp.helper.v1.Pinhole.encode(message.pinholes[i], writer.uint32(/* id 1, wireType 2 =*/10).fork(), _depth + 1).ldelim();
                    if (message.next != null && $Object.hasOwnProperty.call(message, "next") && (typeof message.next === "object" ? message.next.low || message.next.high : message.next !== 0))
                        writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.next);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a PinholeList message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.PinholeList
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.PinholeList & natpmp.helper.v1.PinholeList.$Shape} PinholeList
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                PinholeList.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.PinholeList();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.pinholes && message.pinholes.length))
                                    message.pinholes = [];
                                message.pinholes.push($root.natpmp.helper.v1.Pinhole.decode(reader, reader.size(), $undefined, _depth + 1));
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.next = value;
                                else
                                    delete message.next;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return PinholeList;
            })();

            v1.MappingList = (function() {

                /**
                 * Properties of a MappingList.
                 * @typedef {Object} natpmp.helper.v1.MappingList.$Properties
                 * @property {Array.<natpmp.helper.v1.Mapping.$Properties>|null} [mappings] MappingList mappings
                 * @property {number|null} [next] MappingList next
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a MappingList.
                 * @memberof natpmp.helper.v1
                 * @interface IMappingList
                 * @augments natpmp.helper.v1.MappingList.$Properties
                 * @deprecated Use natpmp.helper.v1.MappingList.$Properties instead.
                 */

                /**
                 * Shape of a MappingList.
                 * @typedef {natpmp.helper.v1.MappingList.$Properties} natpmp.helper.v1.MappingList.$Shape
                 */

                /**
                 * Constructs a new MappingList.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents a MappingList.
                 * @constructor
                 * @param {natpmp.helper.v1.MappingList.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const MappingList = function (properties) {
                    this.mappings = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * MappingList mappings.
                 * @member {Array.<natpmp.helper.v1.Mapping.$Properties>} mappings
                 * @memberof natpmp.helper.v1.MappingList
                 * @instance
                 */
                MappingList.prototype.mappings = $util.emptyArray;

                /**
                 * MappingList next.
                 * @member {number} next
                 * @memberof natpmp.helper.v1.MappingList
                 * @instance
                 */
                MappingList.prototype.next = 0;

                /**
                 * Encodes the specified MappingList message. Does not implicitly {@link natpmp.helper.v1.MappingList.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.MappingList
                 * @static
                 * @param {natpmp.helper.v1.MappingList.$Properties} message MappingList message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                MappingList.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.mappings != null && message.mappings.length)
                        for (let i = 0; i < message.mappings.length; ++i)
                            $root.natpmp.helper.v1.Mapping.encode(message.mappings[i], writer.uint32(/* id 1, wireType 2 =*/10).fork(), _depth + 1).ldelim();
                    if (message.next != null && $Object.hasOwnProperty.call(message, "next") && message.next !== 0)
                        writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.next);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a MappingList message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.MappingList
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.MappingList & natpmp.helper.v1.MappingList.$Shape} MappingList
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                MappingList.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.MappingList();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.mappings && message.mappings.length))
                                    message.mappings = [];
                                message.mappings.push($root.natpmp.helper.v1.Mapping.decode(reader, reader.size(), $undefined, _depth + 1));
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.next = value;
                                else
                                    delete message.next;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return MappingList;
            })();

            v1.StatusReport = (function() {

                /**
                 * Properties of a StatusReport.
                 * @typedef {Object} natpmp.helper.v1.StatusReport.$Properties
                 * @property {number|null} [epochStartMs] StatusReport epochStartMs
                 * @property {number|null} [mappings] StatusReport mappings
                 * @property {number|null} [staticMappings] StatusReport staticMappings
                 * @property {number|null} [maxMappings] StatusReport maxMappings
                 * @property {number|null} [maxMappingsPerHost] StatusReport maxMappingsPerHost
                 * @property {number|null} [maxLifetimeSeconds] StatusReport maxLifetimeSeconds
                 * @property {number|null} [journalBytes] StatusReport journalBytes
                 * @property {boolean|null} [kernelInStep] StatusReport kernelInStep
                 * @property {number|null} [pid] StatusReport pid
                 * @property {number|null} [resynchronisations] StatusReport resynchronisations
                 * @property {number|null} [startedAtMs] StatusReport startedAtMs
                 * @property {natpmp.helper.v1.Totals.$Properties|null} [totals] StatusReport totals
                 * @property {number|null} [pinholes] StatusReport pinholes
                 * @property {number|null} [maxPinholes] StatusReport maxPinholes
                 * @property {number|null} [staticPinholes] StatusReport staticPinholes
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a StatusReport.
                 * @memberof natpmp.helper.v1
                 * @interface IStatusReport
                 * @augments natpmp.helper.v1.StatusReport.$Properties
                 * @deprecated Use natpmp.helper.v1.StatusReport.$Properties instead.
                 */

                /**
                 * Shape of a StatusReport.
                 * @typedef {natpmp.helper.v1.StatusReport.$Properties} natpmp.helper.v1.StatusReport.$Shape
                 */

                /**
                 * Constructs a new StatusReport.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents a StatusReport.
                 * @constructor
                 * @param {natpmp.helper.v1.StatusReport.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const StatusReport = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * StatusReport epochStartMs.
                 * @member {number} epochStartMs
                 * @memberof natpmp.helper.v1.StatusReport
                 * @instance
                 */
                StatusReport.prototype.epochStartMs = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

                /**
                 * StatusReport mappings.
                 * @member {number} mappings
                 * @memberof natpmp.helper.v1.StatusReport
                 * @instance
                 */
                StatusReport.prototype.mappings = 0;

                /**
                 * StatusReport staticMappings.
                 * @member {number} staticMappings
                 * @memberof natpmp.helper.v1.StatusReport
                 * @instance
                 */
                StatusReport.prototype.staticMappings = 0;

                /**
                 * StatusReport maxMappings.
                 * @member {number} maxMappings
                 * @memberof natpmp.helper.v1.StatusReport
                 * @instance
                 */
                StatusReport.prototype.maxMappings = 0;

                /**
                 * StatusReport maxMappingsPerHost.
                 * @member {number} maxMappingsPerHost
                 * @memberof natpmp.helper.v1.StatusReport
                 * @instance
                 */
                StatusReport.prototype.maxMappingsPerHost = 0;

                /**
                 * StatusReport maxLifetimeSeconds.
                 * @member {number} maxLifetimeSeconds
                 * @memberof natpmp.helper.v1.StatusReport
                 * @instance
                 */
                StatusReport.prototype.maxLifetimeSeconds = 0;

                /**
                 * StatusReport journalBytes.
                 * @member {number} journalBytes
                 * @memberof natpmp.helper.v1.StatusReport
                 * @instance
                 */
                StatusReport.prototype.journalBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * StatusReport kernelInStep.
                 * @member {boolean} kernelInStep
                 * @memberof natpmp.helper.v1.StatusReport
                 * @instance
                 */
                StatusReport.prototype.kernelInStep = false;

                /**
                 * StatusReport pid.
                 * @member {number} pid
                 * @memberof natpmp.helper.v1.StatusReport
                 * @instance
                 */
                StatusReport.prototype.pid = 0;

                /**
                 * StatusReport resynchronisations.
                 * @member {number} resynchronisations
                 * @memberof natpmp.helper.v1.StatusReport
                 * @instance
                 */
                StatusReport.prototype.resynchronisations = 0;

                /**
                 * StatusReport startedAtMs.
                 * @member {number} startedAtMs
                 * @memberof natpmp.helper.v1.StatusReport
                 * @instance
                 */
                StatusReport.prototype.startedAtMs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * StatusReport totals.
                 * @member {natpmp.helper.v1.Totals.$Properties|null|undefined} totals
                 * @memberof natpmp.helper.v1.StatusReport
                 * @instance
                 */
                StatusReport.prototype.totals = null;

                /**
                 * StatusReport pinholes.
                 * @member {number} pinholes
                 * @memberof natpmp.helper.v1.StatusReport
                 * @instance
                 */
                StatusReport.prototype.pinholes = 0;

                /**
                 * StatusReport maxPinholes.
                 * @member {number} maxPinholes
                 * @memberof natpmp.helper.v1.StatusReport
                 * @instance
                 */
                StatusReport.prototype.maxPinholes = 0;

                /**
                 * StatusReport staticPinholes.
                 * @member {number} staticPinholes
                 * @memberof natpmp.helper.v1.StatusReport
                 * @instance
                 */
                StatusReport.prototype.staticPinholes = 0;

                /**
                 * Encodes the specified StatusReport message. Does not implicitly {@link natpmp.helper.v1.StatusReport.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.StatusReport
                 * @static
                 * @param {natpmp.helper.v1.StatusReport.$Properties} message StatusReport message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                StatusReport.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.epochStartMs != null && $Object.hasOwnProperty.call(message, "epochStartMs") && (typeof message.epochStartMs === "object" ? message.epochStartMs.low || message.epochStartMs.high : message.epochStartMs !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).sint64(message.epochStartMs);
                    if (message.mappings != null && $Object.hasOwnProperty.call(message, "mappings") && message.mappings !== 0)
                        writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.mappings);
                    if (message.staticMappings != null && $Object.hasOwnProperty.call(message, "staticMappings") && message.staticMappings !== 0)
                        writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.staticMappings);
                    if (message.maxMappings != null && $Object.hasOwnProperty.call(message, "maxMappings") && message.maxMappings !== 0)
                        writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.maxMappings);
                    if (message.maxMappingsPerHost != null && $Object.hasOwnProperty.call(message, "maxMappingsPerHost") && message.maxMappingsPerHost !== 0)
                        writer.uint32(/* id 5, wireType 0 =*/40).uint32(message.maxMappingsPerHost);
                    if (message.maxLifetimeSeconds != null && $Object.hasOwnProperty.call(message, "maxLifetimeSeconds") && message.maxLifetimeSeconds !== 0)
                        writer.uint32(/* id 6, wireType 0 =*/48).uint32(message.maxLifetimeSeconds);
                    if (message.journalBytes != null && $Object.hasOwnProperty.call(message, "journalBytes") && (typeof message.journalBytes === "object" ? message.journalBytes.low || message.journalBytes.high : message.journalBytes !== 0))
                        writer.uint32(/* id 7, wireType 0 =*/56).uint64(message.journalBytes);
                    if (message.kernelInStep != null && $Object.hasOwnProperty.call(message, "kernelInStep") && message.kernelInStep !== false)
                        writer.uint32(/* id 8, wireType 0 =*/64).bool(message.kernelInStep);
                    if (message.pid != null && $Object.hasOwnProperty.call(message, "pid") && message.pid !== 0)
                        writer.uint32(/* id 9, wireType 0 =*/72).uint32(message.pid);
                    if (message.resynchronisations != null && $Object.hasOwnProperty.call(message, "resynchronisations") && message.resynchronisations !== 0)
                        writer.uint32(/* id 10, wireType 0 =*/80).uint32(message.resynchronisations);
                    if (message.startedAtMs != null && $Object.hasOwnProperty.call(message, "startedAtMs") && (typeof message.startedAtMs === "object" ? message.startedAtMs.low || message.startedAtMs.high : message.startedAtMs !== 0))
                        writer.uint32(/* id 11, wireType 0 =*/88).uint64(message.startedAtMs);
                    if (message.totals != null && $Object.hasOwnProperty.call(message, "totals"))
                        $root.natpmp.helper.v1.Totals.encode(message.totals, writer.uint32(/* id 12, wireType 2 =*/98).fork(), _depth + 1).ldelim();
                    if (message.pinholes != null && $Object.hasOwnProperty.call(message, "pinholes") && message.pinholes !== 0)
                        writer.uint32(/* id 13, wireType 0 =*/104).uint32(message.pinholes);
                    if (message.maxPinholes != null && $Object.hasOwnProperty.call(message, "maxPinholes") && message.maxPinholes !== 0)
                        writer.uint32(/* id 14, wireType 0 =*/112).uint32(message.maxPinholes);
                    if (message.staticPinholes != null && $Object.hasOwnProperty.call(message, "staticPinholes") && message.staticPinholes !== 0)
                        writer.uint32(/* id 15, wireType 0 =*/120).uint32(message.staticPinholes);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a StatusReport message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.StatusReport
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.StatusReport & natpmp.helper.v1.StatusReport.$Shape} StatusReport
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                StatusReport.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.StatusReport();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.sint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.epochStartMs = value;
                                else
                                    delete message.epochStartMs;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.mappings = value;
                                else
                                    delete message.mappings;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.staticMappings = value;
                                else
                                    delete message.staticMappings;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.maxMappings = value;
                                else
                                    delete message.maxMappings;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.maxMappingsPerHost = value;
                                else
                                    delete message.maxMappingsPerHost;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.maxLifetimeSeconds = value;
                                else
                                    delete message.maxLifetimeSeconds;
                                continue;
                            }
                        case 7: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.journalBytes = value;
                                else
                                    delete message.journalBytes;
                                continue;
                            }
                        case 8: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.kernelInStep = value;
                                else
                                    delete message.kernelInStep;
                                continue;
                            }
                        case 9: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.pid = value;
                                else
                                    delete message.pid;
                                continue;
                            }
                        case 10: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.resynchronisations = value;
                                else
                                    delete message.resynchronisations;
                                continue;
                            }
                        case 11: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.startedAtMs = value;
                                else
                                    delete message.startedAtMs;
                                continue;
                            }
                        case 12: {
                                if (wireType !== 2)
                                    break;
                                message.totals = $root.natpmp.helper.v1.Totals.decode(reader, reader.size(), $undefined, _depth + 1, message.totals);
                                continue;
                            }
                        case 13: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.pinholes = value;
                                else
                                    delete message.pinholes;
                                continue;
                            }
                        case 14: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.maxPinholes = value;
                                else
                                    delete message.maxPinholes;
                                continue;
                            }
                        case 15: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.staticPinholes = value;
                                else
                                    delete message.staticPinholes;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return StatusReport;
            })();

            v1.Totals = (function() {

                /**
                 * Properties of a Totals.
                 * @typedef {Object} natpmp.helper.v1.Totals.$Properties
                 * @property {Array.<number>|null} [refused] Totals refused
                 * @property {natpmp.helper.v1.Histogram.$Properties|null} [batches] Totals batches
                 * @property {natpmp.helper.v1.Histogram.$Properties|null} [kernel] Totals kernel
                 * @property {natpmp.helper.v1.Histogram.$Properties|null} [journal] Totals journal
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Totals.
                 * @memberof natpmp.helper.v1
                 * @interface ITotals
                 * @augments natpmp.helper.v1.Totals.$Properties
                 * @deprecated Use natpmp.helper.v1.Totals.$Properties instead.
                 */

                /**
                 * Shape of a Totals.
                 * @typedef {natpmp.helper.v1.Totals.$Properties} natpmp.helper.v1.Totals.$Shape
                 */

                /**
                 * Constructs a new Totals.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents a Totals.
                 * @constructor
                 * @param {natpmp.helper.v1.Totals.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Totals = function (properties) {
                    this.refused = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Totals refused.
                 * @member {Array.<number>} refused
                 * @memberof natpmp.helper.v1.Totals
                 * @instance
                 */
                Totals.prototype.refused = $util.emptyArray;

                /**
                 * Totals batches.
                 * @member {natpmp.helper.v1.Histogram.$Properties|null|undefined} batches
                 * @memberof natpmp.helper.v1.Totals
                 * @instance
                 */
                Totals.prototype.batches = null;

                /**
                 * Totals kernel.
                 * @member {natpmp.helper.v1.Histogram.$Properties|null|undefined} kernel
                 * @memberof natpmp.helper.v1.Totals
                 * @instance
                 */
                Totals.prototype.kernel = null;

                /**
                 * Totals journal.
                 * @member {natpmp.helper.v1.Histogram.$Properties|null|undefined} journal
                 * @memberof natpmp.helper.v1.Totals
                 * @instance
                 */
                Totals.prototype.journal = null;

                /**
                 * Encodes the specified Totals message. Does not implicitly {@link natpmp.helper.v1.Totals.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.Totals
                 * @static
                 * @param {natpmp.helper.v1.Totals.$Properties} message Totals message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Totals.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.refused != null && message.refused.length)
                        writer.uint32(/* id 1, wireType 2 =*/10).uint64s(message.refused);
                    if (message.batches != null && $Object.hasOwnProperty.call(message, "batches"))
                        $root.natpmp.helper.v1.Histogram.encode(message.batches, writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                    if (message.kernel != null && $Object.hasOwnProperty.call(message, "kernel"))
                        $root.natpmp.helper.v1.Histogram.encode(message.kernel, writer.uint32(/* id 3, wireType 2 =*/26).fork(), _depth + 1).ldelim();
                    if (message.journal != null && $Object.hasOwnProperty.call(message, "journal"))
                        $root.natpmp.helper.v1.Histogram.encode(message.journal, writer.uint32(/* id 4, wireType 2 =*/34).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Totals message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.Totals
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Totals & natpmp.helper.v1.Totals.$Shape} Totals
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Totals.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.Totals();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType === 2) {
                                    if (!(message.refused && message.refused.length))
                                        message.refused = [];
                                    reader.uint64s(message.refused);
                                    continue;
                                }
                                if (wireType !== 0)
                                    break;
                                if (!(message.refused && message.refused.length))
                                    message.refused = [];
                                message.refused.push(reader.uint64());
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                message.batches = $root.natpmp.helper.v1.Histogram.decode(reader, reader.size(), $undefined, _depth + 1, message.batches);
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                message.kernel = $root.natpmp.helper.v1.Histogram.decode(reader, reader.size(), $undefined, _depth + 1, message.kernel);
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                message.journal = $root.natpmp.helper.v1.Histogram.decode(reader, reader.size(), $undefined, _depth + 1, message.journal);
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return Totals;
            })();

            v1.Histogram = (function() {

                /**
                 * Properties of a Histogram.
                 * @typedef {Object} natpmp.helper.v1.Histogram.$Properties
                 * @property {Array.<number>|null} [counts] Histogram counts
                 * @property {number|null} [sum] Histogram sum
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Histogram.
                 * @memberof natpmp.helper.v1
                 * @interface IHistogram
                 * @augments natpmp.helper.v1.Histogram.$Properties
                 * @deprecated Use natpmp.helper.v1.Histogram.$Properties instead.
                 */

                /**
                 * Shape of a Histogram.
                 * @typedef {natpmp.helper.v1.Histogram.$Properties} natpmp.helper.v1.Histogram.$Shape
                 */

                /**
                 * Constructs a new Histogram.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents a Histogram.
                 * @constructor
                 * @param {natpmp.helper.v1.Histogram.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Histogram = function (properties) {
                    this.counts = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Histogram counts.
                 * @member {Array.<number>} counts
                 * @memberof natpmp.helper.v1.Histogram
                 * @instance
                 */
                Histogram.prototype.counts = $util.emptyArray;

                /**
                 * Histogram sum.
                 * @member {number} sum
                 * @memberof natpmp.helper.v1.Histogram
                 * @instance
                 */
                Histogram.prototype.sum = 0;

                /**
                 * Encodes the specified Histogram message. Does not implicitly {@link natpmp.helper.v1.Histogram.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.Histogram
                 * @static
                 * @param {natpmp.helper.v1.Histogram.$Properties} message Histogram message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Histogram.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.counts != null && message.counts.length)
                        writer.uint32(/* id 1, wireType 2 =*/10).uint64s(message.counts);
                    if (message.sum != null && $Object.hasOwnProperty.call(message, "sum") && !$Object.is(message.sum, 0))
                        writer.uint32(/* id 2, wireType 1 =*/17).double(message.sum);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Histogram message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.Histogram
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Histogram & natpmp.helper.v1.Histogram.$Shape} Histogram
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Histogram.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.Histogram();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType === 2) {
                                    if (!(message.counts && message.counts.length))
                                        message.counts = [];
                                    reader.uint64s(message.counts);
                                    continue;
                                }
                                if (wireType !== 0)
                                    break;
                                if (!(message.counts && message.counts.length))
                                    message.counts = [];
                                message.counts.push(reader.uint64());
                                continue;
                            }
                        case 2: {
                                if (wireType !== 1)
                                    break;
                                if (!$Object.is(value = reader.double(), 0))
                                    message.sum = value;
                                else
                                    delete message.sum;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return Histogram;
            })();

            v1.Refused = (function() {

                /**
                 * Properties of a Refused.
                 * @typedef {Object} natpmp.helper.v1.Refused.$Properties
                 * @property {natpmp.helper.v1.Reason|null} [reason] Refused reason
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Refused.
                 * @memberof natpmp.helper.v1
                 * @interface IRefused
                 * @augments natpmp.helper.v1.Refused.$Properties
                 * @deprecated Use natpmp.helper.v1.Refused.$Properties instead.
                 */

                /**
                 * Shape of a Refused.
                 * @typedef {natpmp.helper.v1.Refused.$Properties} natpmp.helper.v1.Refused.$Shape
                 */

                /**
                 * Constructs a new Refused.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents a Refused.
                 * @constructor
                 * @param {natpmp.helper.v1.Refused.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Refused = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Refused reason.
                 * @member {natpmp.helper.v1.Reason} reason
                 * @memberof natpmp.helper.v1.Refused
                 * @instance
                 */
                Refused.prototype.reason = 0;

                /**
                 * Encodes the specified Refused message. Does not implicitly {@link natpmp.helper.v1.Refused.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.Refused
                 * @static
                 * @param {natpmp.helper.v1.Refused.$Properties} message Refused message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Refused.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.reason != null && $Object.hasOwnProperty.call(message, "reason") && message.reason !== 0)
                        writer.uint32(/* id 1, wireType 0 =*/8).int32(message.reason);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Refused message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.Refused
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Refused & natpmp.helper.v1.Refused.$Shape} Refused
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Refused.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.Refused();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.reason = value;
                                else
                                    delete message.reason;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return Refused;
            })();

            v1.Event = (function() {

                /**
                 * Properties of an Event.
                 * @typedef {Object} natpmp.helper.v1.Event.$Properties
                 * @property {natpmp.helper.v1.Event.Kind|null} [kind] Event kind
                 * @property {natpmp.helper.v1.Mapping.$Properties|null} [mapping] Event mapping
                 * @property {number|null} [sequence] Event sequence
                 * @property {natpmp.helper.v1.Pinhole.$Properties|null} [pinhole] Event pinhole
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of an Event.
                 * @memberof natpmp.helper.v1
                 * @interface IEvent
                 * @augments natpmp.helper.v1.Event.$Properties
                 * @deprecated Use natpmp.helper.v1.Event.$Properties instead.
                 */

                /**
                 * Shape of an Event.
                 * @typedef {natpmp.helper.v1.Event.$Properties} natpmp.helper.v1.Event.$Shape
                 */

                /**
                 * Constructs a new Event.
                 * @memberof natpmp.helper.v1
                 * @classdesc Represents an Event.
                 * @constructor
                 * @param {natpmp.helper.v1.Event.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Event = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Event kind.
                 * @member {natpmp.helper.v1.Event.Kind} kind
                 * @memberof natpmp.helper.v1.Event
                 * @instance
                 */
                Event.prototype.kind = 0;

                /**
                 * Event mapping.
                 * @member {natpmp.helper.v1.Mapping.$Properties|null|undefined} mapping
                 * @memberof natpmp.helper.v1.Event
                 * @instance
                 */
                Event.prototype.mapping = null;

                /**
                 * Event sequence.
                 * @member {number} sequence
                 * @memberof natpmp.helper.v1.Event
                 * @instance
                 */
                Event.prototype.sequence = 0;

                /**
                 * Event pinhole.
                 * @member {natpmp.helper.v1.Pinhole.$Properties|null|undefined} pinhole
                 * @memberof natpmp.helper.v1.Event
                 * @instance
                 */
                Event.prototype.pinhole = null;

                /**
                 * Encodes the specified Event message. Does not implicitly {@link natpmp.helper.v1.Event.verify|verify} messages.
                 * @function encode
                 * @memberof natpmp.helper.v1.Event
                 * @static
                 * @param {natpmp.helper.v1.Event.$Properties} message Event message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Event.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.kind != null && $Object.hasOwnProperty.call(message, "kind") && message.kind !== 0)
                        writer.uint32(/* id 1, wireType 0 =*/8).int32(message.kind);
                    if (message.mapping != null && $Object.hasOwnProperty.call(message, "mapping"))
                        $root.natpmp.helper.v1.Mapping.encode(message.mapping, writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                    if (message.sequence != null && $Object.hasOwnProperty.call(message, "sequence") && message.sequence !== 0)
                        writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.sequence);
                    if (message.pinhole != null && $Object.hasOwnProperty.call(message, "pinhole"))
                        $root.natpmp.helper.v1.Pinhole.encode(message.pinhole, writer.uint32(/* id 4, wireType 2 =*/34).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes an Event message from the specified reader or buffer.
                 * @function decode
                 * @memberof natpmp.helper.v1.Event
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Event & natpmp.helper.v1.Event.$Shape} Event
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Event.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.natpmp.helper.v1.Event();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.kind = value;
                                else
                                    delete message.kind;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                message.mapping = $root.natpmp.helper.v1.Mapping.decode(reader, reader.size(), $undefined, _depth + 1, message.mapping);
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.sequence = value;
                                else
                                    delete message.sequence;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                message.pinhole = $root.natpmp.helper.v1.Pinhole.decode(reader, reader.size(), $undefined, _depth + 1, message.pinhole);
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Kind enum.
                 * @name natpmp.helper.v1.Event.Kind
                 * @enum {number}
                 * @property {number} KIND_UNSPECIFIED=0 KIND_UNSPECIFIED value
                 * @property {number} KIND_GRANTED=1 KIND_GRANTED value
                 * @property {number} KIND_RENEWED=2 KIND_RENEWED value
                 * @property {number} KIND_REMOVED=3 KIND_REMOVED value
                 * @property {number} KIND_EXPIRED=4 KIND_EXPIRED value
                 * @property {number} KIND_RESYNCHRONISED=5 KIND_RESYNCHRONISED value
                 * @property {number} KIND_PROBE=6 KIND_PROBE value
                 */
                Event.Kind = (function() {
                    const valuesById = $Object.create(null), values = $Object.create(valuesById);
                    values[valuesById[0] = "KIND_UNSPECIFIED"] = 0;
                    values[valuesById[1] = "KIND_GRANTED"] = 1;
                    values[valuesById[2] = "KIND_RENEWED"] = 2;
                    values[valuesById[3] = "KIND_REMOVED"] = 3;
                    values[valuesById[4] = "KIND_EXPIRED"] = 4;
                    values[valuesById[5] = "KIND_RESYNCHRONISED"] = 5;
                    values[valuesById[6] = "KIND_PROBE"] = 6;
                    return values;
                })();

                return Event;
            })();

            return v1;
        })();

        return helper;
    })();

    return natpmp;
})();

export {
  $root as default
};
