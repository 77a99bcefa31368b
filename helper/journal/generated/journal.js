// Generated from helper/journal/journal.proto by `npm run proto`. Do not edit.
/*eslint-disable block-scoped-var, id-length, no-control-regex, no-magic-numbers, no-mixed-operators, no-prototype-builtins, no-redeclare, no-shadow, no-var, sort-vars, default-case, jsdoc/require-param*/
import $protobuf from "protobufjs/minimal.js";

// Common aliases
const $Reader = $protobuf.Reader, $Writer = $protobuf.Writer, $util = $protobuf.util;
const $Object = $util.global.Object, $undefined = $util.global.undefined, $Error = $util.global.Error, $RangeError = $util.global.RangeError;

// Exported root namespace
const $root = $protobuf.roots["journal"] || ($protobuf.roots["journal"] = {});

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

        helper.journal = (function() {

            /**
             * Namespace journal.
             * @memberof natpmp.helper
             * @namespace
             */
            const journal = {};

            journal.v1 = (function() {

                /**
                 * Namespace v1.
                 * @memberof natpmp.helper.journal
                 * @namespace
                 */
                const v1 = {};

                v1.Group = (function() {

                    /**
                     * Properties of a Group.
                     * @typedef {Object} natpmp.helper.journal.v1.Group.$Properties
                     * @property {natpmp.helper.journal.v1.Clock.$Properties|null} [clock] Group clock
                     * @property {Array.<natpmp.helper.journal.v1.Lease.$Properties>|null} [put] Group put
                     * @property {Array.<number>|null} [remove] Group remove
                     * @property {number|null} [writtenAtMs] Group writtenAtMs
                     * @property {Array.<natpmp.helper.journal.v1.Pinhole.$Properties>|null} [putPinhole] Group putPinhole
                     * @property {Array.<natpmp.helper.journal.v1.Pinhole.$Properties>|null} [removePinhole] Group removePinhole
                     * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                     */

                    /**
                     * Properties of a Group.
                     * @memberof natpmp.helper.journal.v1
                     * @interface IGroup
                     * @augments natpmp.helper.journal.v1.Group.$Properties
                     * @deprecated Use natpmp.helper.journal.v1.Group.$Properties instead.
                     */

                    /**
                     * Shape of a Group.
                     * @typedef {natpmp.helper.journal.v1.Group.$Properties} natpmp.helper.journal.v1.Group.$Shape
                     */

                    /**
                     * Constructs a new Group.
                     * @memberof natpmp.helper.journal.v1
                     * @classdesc Represents a Group.
                     * @constructor
                     * @param {natpmp.helper.journal.v1.Group.$Properties=} [properties] Properties to set
                     * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                     */
                    const Group = function (properties) {
                        this.put = [];
                        this.remove = [];
                        this.putPinhole = [];
                        this.removePinhole = [];
                        if (properties)
                            for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                                if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                    this[keys[i]] = properties[keys[i]];
                    };

                    /**
                     * Group clock.
                     * @member {natpmp.helper.journal.v1.Clock.$Properties|null|undefined} clock
                     * @memberof natpmp.helper.journal.v1.Group
                     * @instance
                     */
                    Group.prototype.clock = null;

                    /**
                     * Group put.
                     * @member {Array.<natpmp.helper.journal.v1.Lease.$Properties>} put
                     * @memberof natpmp.helper.journal.v1.Group
                     * @instance
                     */
                    Group.prototype.put = $util.emptyArray;

                    /**
                     * Group remove.
                     * @member {Array.<number>} remove
                     * @memberof natpmp.helper.journal.v1.Group
                     * @instance
                     */
                    Group.prototype.remove = $util.emptyArray;

                    /**
                     * Group writtenAtMs.
                     * @member {number} writtenAtMs
                     * @memberof natpmp.helper.journal.v1.Group
                     * @instance
                     */
                    Group.prototype.writtenAtMs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                    /**
                     * Group putPinhole.
                     * @member {Array.<natpmp.helper.journal.v1.Pinhole.$Properties>} putPinhole
                     * @memberof natpmp.helper.journal.v1.Group
                     * @instance
                     */
                    Group.prototype.putPinhole = $util.emptyArray;

                    /**
                     * Group removePinhole.
                     * @member {Array.<natpmp.helper.journal.v1.Pinhole.$Properties>} removePinhole
                     * @memberof natpmp.helper.journal.v1.Group
                     * @instance
                     */
                    Group.prototype.removePinhole = $util.emptyArray;

                    /**
                     * Encodes the specified Group message. Does not implicitly {@link natpmp.helper.journal.v1.Group.verify|verify} messages.
                     * @function encode
                     * @memberof natpmp.helper.journal.v1.Group
                     * @static
                     * @param {natpmp.helper.journal.v1.Group.$Properties} message Group message or plain object to encode
                     * @param {$protobuf.Writer} [writer] Writer to encode to
                     * @returns {$protobuf.Writer} Writer
                     */
                    Group.encode = function (message, writer, _depth) {
                        if (!writer)
                            writer = $Writer.create();
                        if (_depth === $undefined)
                            _depth = 0;
                        if (_depth > $util.recursionLimit)
                            throw $Error("max depth exceeded");
                        if (message.clock != null && $Object.hasOwnProperty.call(message, "clock"))
                            $root.natpmp.helper.journal.v1.Clock.encode(message.clock, writer.uint32(/* id 1, wireType 2 =*/10).fork(), _depth + 1).ldelim();
                        if (message.put != null && message.put.length)
                            for (let i = 0; i < message.put.length; ++i)
                                $root.natpmp.helper.journal.v1.Lease.encode(message.put[i], writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                        if (message.remove != null && message.remove.length)
                            writer.uint32(/* id 3, wireType 2 =*/26).uint32s(message.remove);
                        if (message.writtenAtMs != null && $Object.hasOwnProperty.call(message, "writtenAtMs") && (typeof message.writtenAtMs === "object" ? message.writtenAtMs.low || message.writtenAtMs.high : message.writtenAtMs !== 0))
                            writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.writtenAtMs);
                        if (message.putPinhole != null && message.putPinhole.length)
                            for (let i = 0; i < message.putPinhole.length; ++i)
                                $root.natpmp.helper.journal.v1.Pinhole.encode(message.putPinhole[i], writer.uint32(/* id 5, wireType 2 =*/42).fork(), _depth + 1).ldelim();
                        if (message.removePinhole != null && message.removePinhole.length)
                            for (let i = 0; i < message.removePinhole.length; ++i)
                                $root.natpmp.helper.journal.v1.Pinhole.encode(message.removePinhole[i], writer.uint32(/* id 6, wireType 2 =*/50).fork(), _depth + 1).ldelim();
                        if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                            for (let i = 0; i < message.$unknowns.length; ++i)
                                writer.raw(message.$unknowns[i]);
                        return writer;
                    };

                    /**
                     * Decodes a Group message from the specified reader or buffer.
                     * @function decode
                     * @memberof natpmp.helper.journal.v1.Group
                     * @static
                     * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                     * @param {number} [length] Message length if known beforehand
                     * @returns {natpmp.helper.journal.v1.Group & natpmp.helper.journal.v1.Group.$Shape} Group
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    Group.decode = function (reader, length, _end, _depth, _target) {
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
                        message = _target || new $root.natpmp.helper.journal.v1.Group();
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
                                    message.clock = $root.natpmp.helper.journal.v1.Clock.decode(reader, reader.size(), $undefined, _depth + 1, message.clock);
                                    continue;
                                }
                            case 2: {
                                    if (wireType !== 2)
                                        break;
                                    if (!(message.put && message.put.length))
                                        message.put = [];
                                    message.put.push($root.natpmp.helper.journal.v1.Lease.decode(reader, reader.size(), $undefined, _depth + 1));
                                    continue;
                                }
                            case 3: {
                                    if (wireType === 2) {
                                        if (!(message.remove && message.remove.length))
                                            message.remove = [];
                                        reader.uint32s(message.remove);
                                        continue;
                                    }
                                    if (wireType !== 0)
                                        break;
                                    if (!(message.remove && message.remove.length))
                                        message.remove = [];
                                    message.remove.push(reader.uint32());
                                    continue;
                                }
                            case 4: {
                                    if (wireType !== 0)
                                        break;
                                    if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                        message.writtenAtMs = value;
                                    else
                                        delete message.writtenAtMs;
                                    continue;
                                }
                            case 5: {
                                    if (wireType !== 2)
                                        break;
                                    if (!(message.putPinhole && message.putPinhole.length))
                                        message.putPinhole = [];
                                    message.putPinhole.push($root.natpmp.helper.journal.v1.Pinhole.decode(reader, reader.size(), $undefined, _depth + 1));
                                    continue;
                                }
                            case 6: {
                                    if (wireType !== 2)
                                        break;
                                    if (!(message.removePinhole && message.removePinhole.length))
                                        message.removePinhole = [];
                                    message.removePinhole.push($root.natpmp.helper.journal.v1.Pinhole.decode(reader, reader.size(), $undefined, _depth + 1));
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

                    return Group;
                })();

                v1.Clock = (function() {

                    /**
                     * Properties of a Clock.
                     * @typedef {Object} natpmp.helper.journal.v1.Clock.$Properties
                     * @property {string|null} [bootId] Clock bootId
                     * @property {number|null} [wallOffsetMs] Clock wallOffsetMs
                     * @property {number|null} [epochStartMs] Clock epochStartMs
                     * @property {number|null} [agedAtMs] Clock agedAtMs
                     * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                     */

                    /**
                     * Properties of a Clock.
                     * @memberof natpmp.helper.journal.v1
                     * @interface IClock
                     * @augments natpmp.helper.journal.v1.Clock.$Properties
                     * @deprecated Use natpmp.helper.journal.v1.Clock.$Properties instead.
                     */

                    /**
                     * Shape of a Clock.
                     * @typedef {natpmp.helper.journal.v1.Clock.$Properties} natpmp.helper.journal.v1.Clock.$Shape
                     */

                    /**
                     * Constructs a new Clock.
                     * @memberof natpmp.helper.journal.v1
                     * @classdesc Represents a Clock.
                     * @constructor
                     * @param {natpmp.helper.journal.v1.Clock.$Properties=} [properties] Properties to set
                     * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                     */
                    const Clock = function (properties) {
                        if (properties)
                            for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                                if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                    this[keys[i]] = properties[keys[i]];
                    };

                    /**
                     * Clock bootId.
                     * @member {string} bootId
                     * @memberof natpmp.helper.journal.v1.Clock
                     * @instance
                     */
                    Clock.prototype.bootId = "";

                    /**
                     * Clock wallOffsetMs.
                     * @member {number} wallOffsetMs
                     * @memberof natpmp.helper.journal.v1.Clock
                     * @instance
                     */
                    Clock.prototype.wallOffsetMs = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

                    /**
                     * Clock epochStartMs.
                     * @member {number} epochStartMs
                     * @memberof natpmp.helper.journal.v1.Clock
                     * @instance
                     */
                    Clock.prototype.epochStartMs = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

                    /**
                     * Clock agedAtMs.
                     * @member {number} agedAtMs
                     * @memberof natpmp.helper.journal.v1.Clock
                     * @instance
                     */
                    Clock.prototype.agedAtMs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                    /**
                     * Encodes the specified Clock message. Does not implicitly {@link natpmp.helper.journal.v1.Clock.verify|verify} messages.
                     * @function encode
                     * @memberof natpmp.helper.journal.v1.Clock
                     * @static
                     * @param {natpmp.helper.journal.v1.Clock.$Properties} message Clock message or plain object to encode
                     * @param {$protobuf.Writer} [writer] Writer to encode to
                     * @returns {$protobuf.Writer} Writer
                     */
                    Clock.encode = function (message, writer, _depth) {
                        if (!writer)
                            writer = $Writer.create();
                        if (_depth === $undefined)
                            _depth = 0;
                        if (_depth > $util.recursionLimit)
                            throw $Error("max depth exceeded");
                        if (message.bootId != null && $Object.hasOwnProperty.call(message, "bootId") && message.bootId !== "")
                            writer.uint32(/* id 1, wireType 2 =*/10).string(message.bootId);
                        if (message.wallOffsetMs != null && $Object.hasOwnProperty.call(message, "wallOffsetMs") && (typeof message.wallOffsetMs === "object" ? message.wallOffsetMs.low || message.wallOffsetMs.high : message.wallOffsetMs !== 0))
                            writer.uint32(/* id 2, wireType 0 =*/16).sint64(message.wallOffsetMs);
                        if (message.epochStartMs != null && $Object.hasOwnProperty.call(message, "epochStartMs") && (typeof message.epochStartMs === "object" ? message.epochStartMs.low || message.epochStartMs.high : message.epochStartMs !== 0))
                            writer.uint32(/* id 3, wireType 0 =*/24).sint64(message.epochStartMs);
                        if (message.agedAtMs != null && $Object.hasOwnProperty.call(message, "agedAtMs") && (typeof message.agedAtMs === "object" ? message.agedAtMs.low || message.agedAtMs.high : message.agedAtMs !== 0))
                            writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.agedAtMs);
                        if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                            for (let i = 0; i < message.$unknowns.length; ++i)
                                writer.raw(message.$unknowns[i]);
                        return writer;
                    };

                    /**
                     * Decodes a Clock message from the specified reader or buffer.
                     * @function decode
                     * @memberof natpmp.helper.journal.v1.Clock
                     * @static
                     * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                     * @param {number} [length] Message length if known beforehand
                     * @returns {natpmp.helper.journal.v1.Clock & natpmp.helper.journal.v1.Clock.$Shape} Clock
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    Clock.decode = function (reader, length, _end, _depth, _target) {
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
                        message = _target || new $root.natpmp.helper.journal.v1.Clock();
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
                                    if ((value = reader.stringVerify()).length)
                                        message.bootId = value;
                                    else
                                        delete message.bootId;
                                    continue;
                                }
                            case 2: {
                                    if (wireType !== 0)
                                        break;
                                    if (typeof (value = reader.sint64()) === "object" ? value.low || value.high : value !== 0)
                                        message.wallOffsetMs = value;
                                    else
                                        delete message.wallOffsetMs;
                                    continue;
                                }
                            case 3: {
                                    if (wireType !== 0)
                                        break;
                                    if (typeof (value = reader.sint64()) === "object" ? value.low || value.high : value !== 0)
                                        message.epochStartMs = value;
                                    else
                                        delete message.epochStartMs;
                                    continue;
                                }
                            case 4: {
                                    if (wireType !== 0)
                                        break;
                                    if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                        message.agedAtMs = value;
                                    else
                                        delete message.agedAtMs;
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

                    return Clock;
                })();

                v1.Lease = (function() {

                    /**
                     * Properties of a Lease.
                     * @typedef {Object} natpmp.helper.journal.v1.Lease.$Properties
                     * @property {number|null} [key] Lease key
                     * @property {number|null} [internalAddress] Lease internalAddress
                     * @property {number|null} [internalPort] Lease internalPort
                     * @property {number|null} [lifetimeSeconds] Lease lifetimeSeconds
                     * @property {number|null} [expiresAtMs] Lease expiresAtMs
                     * @property {number|null} [tool] Lease tool
                     * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                     */

                    /**
                     * Properties of a Lease.
                     * @memberof natpmp.helper.journal.v1
                     * @interface ILease
                     * @augments natpmp.helper.journal.v1.Lease.$Properties
                     * @deprecated Use natpmp.helper.journal.v1.Lease.$Properties instead.
                     */

                    /**
                     * Shape of a Lease.
                     * @typedef {natpmp.helper.journal.v1.Lease.$Properties} natpmp.helper.journal.v1.Lease.$Shape
                     */

                    /**
                     * Constructs a new Lease.
                     * @memberof natpmp.helper.journal.v1
                     * @classdesc Represents a Lease.
                     * @constructor
                     * @param {natpmp.helper.journal.v1.Lease.$Properties=} [properties] Properties to set
                     * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                     */
                    const Lease = function (properties) {
                        if (properties)
                            for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                                if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                    this[keys[i]] = properties[keys[i]];
                    };

                    /**
                     * Lease key.
                     * @member {number} key
                     * @memberof natpmp.helper.journal.v1.Lease
                     * @instance
                     */
                    Lease.prototype.key = 0;

                    /**
                     * Lease internalAddress.
                     * @member {number} internalAddress
                     * @memberof natpmp.helper.journal.v1.Lease
                     * @instance
                     */
                    Lease.prototype.internalAddress = 0;

                    /**
                     * Lease internalPort.
                     * @member {number} internalPort
                     * @memberof natpmp.helper.journal.v1.Lease
                     * @instance
                     */
                    Lease.prototype.internalPort = 0;

                    /**
                     * Lease lifetimeSeconds.
                     * @member {number} lifetimeSeconds
                     * @memberof natpmp.helper.journal.v1.Lease
                     * @instance
                     */
                    Lease.prototype.lifetimeSeconds = 0;

                    /**
                     * Lease expiresAtMs.
                     * @member {number} expiresAtMs
                     * @memberof natpmp.helper.journal.v1.Lease
                     * @instance
                     */
                    Lease.prototype.expiresAtMs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                    /**
                     * Lease tool.
                     * @member {number} tool
                     * @memberof natpmp.helper.journal.v1.Lease
                     * @instance
                     */
                    Lease.prototype.tool = 0;

                    /**
                     * Encodes the specified Lease message. Does not implicitly {@link natpmp.helper.journal.v1.Lease.verify|verify} messages.
                     * @function encode
                     * @memberof natpmp.helper.journal.v1.Lease
                     * @static
                     * @param {natpmp.helper.journal.v1.Lease.$Properties} message Lease message or plain object to encode
                     * @param {$protobuf.Writer} [writer] Writer to encode to
                     * @returns {$protobuf.Writer} Writer
                     */
                    Lease.encode = function (message, writer, _depth) {
                        if (!writer)
                            writer = $Writer.create();
                        if (_depth === $undefined)
                            _depth = 0;
                        if (_depth > $util.recursionLimit)
                            throw $Error("max depth exceeded");
                        if (message.key != null && $Object.hasOwnProperty.call(message, "key") && message.key !== 0)
                            writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.key);
                        if (message.internalAddress != null && $Object.hasOwnProperty.call(message, "internalAddress") && message.internalAddress !== 0)
                            writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.internalAddress);
                        if (message.internalPort != null && $Object.hasOwnProperty.call(message, "internalPort") && message.internalPort !== 0)
                            writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.internalPort);
                        if (message.lifetimeSeconds != null && $Object.hasOwnProperty.call(message, "lifetimeSeconds") && message.lifetimeSeconds !== 0)
                            writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.lifetimeSeconds);
                        if (message.expiresAtMs != null && $Object.hasOwnProperty.call(message, "expiresAtMs") && (typeof message.expiresAtMs === "object" ? message.expiresAtMs.low || message.expiresAtMs.high : message.expiresAtMs !== 0))
                            writer.uint32(/* id 5, wireType 0 =*/40).uint64(message.expiresAtMs);
                        if (message.tool != null && $Object.hasOwnProperty.call(message, "tool") && message.tool !== 0)
                            writer.uint32(/* id 6, wireType 0 =*/48).uint32(message.tool);
                        if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                            for (let i = 0; i < message.$unknowns.length; ++i)
                                writer.raw(message.$unknowns[i]);
                        return writer;
                    };

                    /**
                     * Decodes a Lease message from the specified reader or buffer.
                     * @function decode
                     * @memberof natpmp.helper.journal.v1.Lease
                     * @static
                     * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                     * @param {number} [length] Message length if known beforehand
                     * @returns {natpmp.helper.journal.v1.Lease & natpmp.helper.journal.v1.Lease.$Shape} Lease
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    Lease.decode = function (reader, length, _end, _depth, _target) {
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
                        message = _target || new $root.natpmp.helper.journal.v1.Lease();
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
                                        message.key = value;
                                    else
                                        delete message.key;
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
                                        message.lifetimeSeconds = value;
                                    else
                                        delete message.lifetimeSeconds;
                                    continue;
                                }
                            case 5: {
                                    if (wireType !== 0)
                                        break;
                                    if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                        message.expiresAtMs = value;
                                    else
                                        delete message.expiresAtMs;
                                    continue;
                                }
                            case 6: {
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

                    return Lease;
                })();

                v1.Pinhole = (function() {

                    /**
                     * Properties of a Pinhole.
                     * @typedef {Object} natpmp.helper.journal.v1.Pinhole.$Properties
                     * @property {number|null} [protocol] Pinhole protocol
                     * @property {Uint8Array|null} [address] Pinhole address
                     * @property {number|null} [port] Pinhole port
                     * @property {number|null} [lifetimeSeconds] Pinhole lifetimeSeconds
                     * @property {number|null} [expiresAtMs] Pinhole expiresAtMs
                     * @property {Uint8Array|null} [nonce] Pinhole nonce
                     * @property {number|null} [hardwareAddress] Pinhole hardwareAddress
                     * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                     */

                    /**
                     * Properties of a Pinhole.
                     * @memberof natpmp.helper.journal.v1
                     * @interface IPinhole
                     * @augments natpmp.helper.journal.v1.Pinhole.$Properties
                     * @deprecated Use natpmp.helper.journal.v1.Pinhole.$Properties instead.
                     */

                    /**
                     * Shape of a Pinhole.
                     * @typedef {natpmp.helper.journal.v1.Pinhole.$Properties} natpmp.helper.journal.v1.Pinhole.$Shape
                     */

                    /**
                     * Constructs a new Pinhole.
                     * @memberof natpmp.helper.journal.v1
                     * @classdesc Represents a Pinhole.
                     * @constructor
                     * @param {natpmp.helper.journal.v1.Pinhole.$Properties=} [properties] Properties to set
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
                     * @member {number} protocol
                     * @memberof natpmp.helper.journal.v1.Pinhole
                     * @instance
                     */
                    Pinhole.prototype.protocol = 0;

                    /**
                     * Pinhole address.
                     * @member {Uint8Array} address
                     * @memberof natpmp.helper.journal.v1.Pinhole
                     * @instance
                     */
                    Pinhole.prototype.address = $util.newBuffer([]);

                    /**
                     * Pinhole port.
                     * @member {number} port
                     * @memberof natpmp.helper.journal.v1.Pinhole
                     * @instance
                     */
                    Pinhole.prototype.port = 0;

                    /**
                     * Pinhole lifetimeSeconds.
                     * @member {number} lifetimeSeconds
                     * @memberof natpmp.helper.journal.v1.Pinhole
                     * @instance
                     */
                    Pinhole.prototype.lifetimeSeconds = 0;

                    /**
                     * Pinhole expiresAtMs.
                     * @member {number} expiresAtMs
                     * @memberof natpmp.helper.journal.v1.Pinhole
                     * @instance
                     */
                    Pinhole.prototype.expiresAtMs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                    /**
                     * Pinhole nonce.
                     * @member {Uint8Array} nonce
                     * @memberof natpmp.helper.journal.v1.Pinhole
                     * @instance
                     */
                    Pinhole.prototype.nonce = $util.newBuffer([]);

                    /**
                     * Pinhole hardwareAddress.
                     * @member {number} hardwareAddress
                     * @memberof natpmp.helper.journal.v1.Pinhole
                     * @instance
                     */
                    Pinhole.prototype.hardwareAddress = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                    /**
                     * Encodes the specified Pinhole message. Does not implicitly {@link natpmp.helper.journal.v1.Pinhole.verify|verify} messages.
                     * @function encode
                     * @memberof natpmp.helper.journal.v1.Pinhole
                     * @static
                     * @param {natpmp.helper.journal.v1.Pinhole.$Properties} message Pinhole message or plain object to encode
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
                            writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.protocol);
                        if (message.address != null && $Object.hasOwnProperty.call(message, "address") && message.address.length)
                            writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.address);
                        if (message.port != null && $Object.hasOwnProperty.call(message, "port") && message.port !== 0)
                            writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.port);
                        if (message.lifetimeSeconds != null && $Object.hasOwnProperty.call(message, "lifetimeSeconds") && message.lifetimeSeconds !== 0)
                            writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.lifetimeSeconds);
                        if (message.expiresAtMs != null && $Object.hasOwnProperty.call(message, "expiresAtMs") && (typeof message.expiresAtMs === "object" ? message.expiresAtMs.low || message.expiresAtMs.high : message.expiresAtMs !== 0))
                            writer.uint32(/* id 5, wireType 0 =*/40).uint64(message.expiresAtMs);
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
                     * Decodes a Pinhole message from the specified reader or buffer.
                     * @function decode
                     * @memberof natpmp.helper.journal.v1.Pinhole
                     * @static
                     * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                     * @param {number} [length] Message length if known beforehand
                     * @returns {natpmp.helper.journal.v1.Pinhole & natpmp.helper.journal.v1.Pinhole.$Shape} Pinhole
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
                        message = _target || new $root.natpmp.helper.journal.v1.Pinhole();
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
                                    if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                        message.expiresAtMs = value;
                                    else
                                        delete message.expiresAtMs;
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

                    return Pinhole;
                })();

                return v1;
            })();

            return journal;
        })();

        return helper;
    })();

    return natpmp;
})();

export {
  $root as default
};
