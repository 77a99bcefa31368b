// Generated from proto/helper.proto by `npm run proto`. Do not edit.
import * as $protobuf from "protobufjs";
import Long = require("long");

/** Namespace natpmp. */
export namespace natpmp {

    /** Namespace helper. */
    namespace helper {

        /** Namespace v1. */
        namespace v1 {

            /** Protocol enum. */
            enum Protocol {

                /** PROTOCOL_UNSPECIFIED value */
                PROTOCOL_UNSPECIFIED = 0,

                /** PROTOCOL_TCP value */
                PROTOCOL_TCP = 6,

                /** PROTOCOL_UDP value */
                PROTOCOL_UDP = 17
            }

            /** Origin enum. */
            enum Origin {

                /** ORIGIN_DYNAMIC value */
                ORIGIN_DYNAMIC = 0,

                /** ORIGIN_STATIC value */
                ORIGIN_STATIC = 1
            }

            /** Reason enum. */
            enum Reason {

                /** REASON_UNSPECIFIED value */
                REASON_UNSPECIFIED = 0,

                /** REASON_MALFORMED value */
                REASON_MALFORMED = 1,

                /** REASON_NOT_PERMITTED value */
                REASON_NOT_PERMITTED = 2,

                /** REASON_ADDRESS value */
                REASON_ADDRESS = 3,

                /** REASON_PORT value */
                REASON_PORT = 4,

                /** REASON_LIFETIME value */
                REASON_LIFETIME = 5,

                /** REASON_CONFLICT value */
                REASON_CONFLICT = 6,

                /** REASON_HOST_FULL value */
                REASON_HOST_FULL = 7,

                /** REASON_TABLE_FULL value */
                REASON_TABLE_FULL = 8,

                /** REASON_KERNEL value */
                REASON_KERNEL = 9,

                /** REASON_TOO_MANY_WATCHERS value */
                REASON_TOO_MANY_WATCHERS = 10,

                /** REASON_LATE value */
                REASON_LATE = 11,

                /** REASON_RATE value */
                REASON_RATE = 12,

                /** REASON_NONCE value */
                REASON_NONCE = 13
            }

            /**
             * Properties of a Request.
             * @deprecated Use natpmp.helper.v1.Request.$Properties instead.
             */
            interface IRequest extends natpmp.helper.v1.Request.$Properties {
            }

            /** Represents a Request. */
            class Request {

                /**
                 * Constructs a new Request.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.Request.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Request id. */
                id: number;

                /** Request addMapping. */
                addMapping?: (natpmp.helper.v1.AddMapping.$Properties|null);

                /** Request removeMapping. */
                removeMapping?: (natpmp.helper.v1.RemoveMapping.$Properties|null);

                /** Request removeHostMappings. */
                removeHostMappings?: (natpmp.helper.v1.RemoveHostMappings.$Properties|null);

                /** Request listMappings. */
                listMappings?: (natpmp.helper.v1.ListMappings.$Properties|null);

                /** Request watch. */
                watch?: (natpmp.helper.v1.Watch.$Properties|null);

                /** Request status. */
                status?: (natpmp.helper.v1.Status.$Properties|null);

                /** Request addPinhole. */
                addPinhole?: (natpmp.helper.v1.AddPinhole.$Properties|null);

                /** Request removePinhole. */
                removePinhole?: (natpmp.helper.v1.RemovePinhole.$Properties|null);

                /** Request listPinholes. */
                listPinholes?: (natpmp.helper.v1.ListPinholes.$Properties|null);

                /** Request notAfterMs. */
                notAfterMs: number;

                /**
                 * Encodes the specified Request message. Does not implicitly {@link natpmp.helper.v1.Request.verify|verify} messages.
                 * @param message Request message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.Request.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Request message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Request & natpmp.helper.v1.Request.$Shape} Request
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.Request & natpmp.helper.v1.Request.$Shape;
            }

            namespace Request {

                /** Properties of a Request. */
                interface $Properties {

                    /** Request id */
                    id?: (number|null);

                    /** Request addMapping */
                    addMapping?: (natpmp.helper.v1.AddMapping.$Properties|null);

                    /** Request removeMapping */
                    removeMapping?: (natpmp.helper.v1.RemoveMapping.$Properties|null);

                    /** Request removeHostMappings */
                    removeHostMappings?: (natpmp.helper.v1.RemoveHostMappings.$Properties|null);

                    /** Request listMappings */
                    listMappings?: (natpmp.helper.v1.ListMappings.$Properties|null);

                    /** Request watch */
                    watch?: (natpmp.helper.v1.Watch.$Properties|null);

                    /** Request status */
                    status?: (natpmp.helper.v1.Status.$Properties|null);

                    /** Request addPinhole */
                    addPinhole?: (natpmp.helper.v1.AddPinhole.$Properties|null);

                    /** Request removePinhole */
                    removePinhole?: (natpmp.helper.v1.RemovePinhole.$Properties|null);

                    /** Request listPinholes */
                    listPinholes?: (natpmp.helper.v1.ListPinholes.$Properties|null);

                    /** Request notAfterMs */
                    notAfterMs?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Request. */
                type $Shape = natpmp.helper.v1.Request.$Properties;
            }

            /**
             * Properties of a Response.
             * @deprecated Use natpmp.helper.v1.Response.$Properties instead.
             */
            interface IResponse extends natpmp.helper.v1.Response.$Properties {
            }

            /** Represents a Response. */
            class Response {

                /**
                 * Constructs a new Response.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.Response.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Response id. */
                id: number;

                /** Response granted. */
                granted?: (natpmp.helper.v1.Mapping.$Properties|null);

                /** Response removed. */
                removed?: (natpmp.helper.v1.Removed.$Properties|null);

                /** Response hostMappingsRemoved. */
                hostMappingsRemoved?: (natpmp.helper.v1.HostMappingsRemoved.$Properties|null);

                /** Response mappingList. */
                mappingList?: (natpmp.helper.v1.MappingList.$Properties|null);

                /** Response watching. */
                watching?: (natpmp.helper.v1.StatusReport.$Properties|null);

                /** Response statusReport. */
                statusReport?: (natpmp.helper.v1.StatusReport.$Properties|null);

                /** Response refused. */
                refused?: (natpmp.helper.v1.Refused.$Properties|null);

                /** Response event. */
                event?: (natpmp.helper.v1.Event.$Properties|null);

                /** Response pinholeGranted. */
                pinholeGranted?: (natpmp.helper.v1.Pinhole.$Properties|null);

                /** Response pinholeList. */
                pinholeList?: (natpmp.helper.v1.PinholeList.$Properties|null);

                /**
                 * Encodes the specified Response message. Does not implicitly {@link natpmp.helper.v1.Response.verify|verify} messages.
                 * @param message Response message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.Response.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Response message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Response & natpmp.helper.v1.Response.$Shape} Response
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.Response & natpmp.helper.v1.Response.$Shape;
            }

            namespace Response {

                /** Properties of a Response. */
                interface $Properties {

                    /** Response id */
                    id?: (number|null);

                    /** Response granted */
                    granted?: (natpmp.helper.v1.Mapping.$Properties|null);

                    /** Response removed */
                    removed?: (natpmp.helper.v1.Removed.$Properties|null);

                    /** Response hostMappingsRemoved */
                    hostMappingsRemoved?: (natpmp.helper.v1.HostMappingsRemoved.$Properties|null);

                    /** Response mappingList */
                    mappingList?: (natpmp.helper.v1.MappingList.$Properties|null);

                    /** Response watching */
                    watching?: (natpmp.helper.v1.StatusReport.$Properties|null);

                    /** Response statusReport */
                    statusReport?: (natpmp.helper.v1.StatusReport.$Properties|null);

                    /** Response refused */
                    refused?: (natpmp.helper.v1.Refused.$Properties|null);

                    /** Response event */
                    event?: (natpmp.helper.v1.Event.$Properties|null);

                    /** Response pinholeGranted */
                    pinholeGranted?: (natpmp.helper.v1.Pinhole.$Properties|null);

                    /** Response pinholeList */
                    pinholeList?: (natpmp.helper.v1.PinholeList.$Properties|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Response. */
                type $Shape = natpmp.helper.v1.Response.$Properties;
            }

            /**
             * Properties of an AddMapping.
             * @deprecated Use natpmp.helper.v1.AddMapping.$Properties instead.
             */
            interface IAddMapping extends natpmp.helper.v1.AddMapping.$Properties {
            }

            /** Represents an AddMapping. */
            class AddMapping {

                /**
                 * Constructs a new AddMapping.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.AddMapping.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** AddMapping protocol. */
                protocol: natpmp.helper.v1.Protocol;

                /** AddMapping internalAddress. */
                internalAddress: number;

                /** AddMapping internalPort. */
                internalPort: number;

                /** AddMapping externalPort. */
                externalPort: number;

                /** AddMapping lifetimeSeconds. */
                lifetimeSeconds: number;

                /** AddMapping origin. */
                origin: natpmp.helper.v1.Origin;

                /** AddMapping tool. */
                tool: number;

                /**
                 * Encodes the specified AddMapping message. Does not implicitly {@link natpmp.helper.v1.AddMapping.verify|verify} messages.
                 * @param message AddMapping message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.AddMapping.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an AddMapping message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.AddMapping & natpmp.helper.v1.AddMapping.$Shape} AddMapping
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.AddMapping & natpmp.helper.v1.AddMapping.$Shape;
            }

            namespace AddMapping {

                /** Properties of an AddMapping. */
                interface $Properties {

                    /** AddMapping protocol */
                    protocol?: (natpmp.helper.v1.Protocol|null);

                    /** AddMapping internalAddress */
                    internalAddress?: (number|null);

                    /** AddMapping internalPort */
                    internalPort?: (number|null);

                    /** AddMapping externalPort */
                    externalPort?: (number|null);

                    /** AddMapping lifetimeSeconds */
                    lifetimeSeconds?: (number|null);

                    /** AddMapping origin */
                    origin?: (natpmp.helper.v1.Origin|null);

                    /** AddMapping tool */
                    tool?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an AddMapping. */
                type $Shape = natpmp.helper.v1.AddMapping.$Properties;
            }

            /**
             * Properties of a RemoveMapping.
             * @deprecated Use natpmp.helper.v1.RemoveMapping.$Properties instead.
             */
            interface IRemoveMapping extends natpmp.helper.v1.RemoveMapping.$Properties {
            }

            /** Represents a RemoveMapping. */
            class RemoveMapping {

                /**
                 * Constructs a new RemoveMapping.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.RemoveMapping.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** RemoveMapping protocol. */
                protocol: natpmp.helper.v1.Protocol;

                /** RemoveMapping internalAddress. */
                internalAddress: number;

                /** RemoveMapping internalPort. */
                internalPort: number;

                /**
                 * Encodes the specified RemoveMapping message. Does not implicitly {@link natpmp.helper.v1.RemoveMapping.verify|verify} messages.
                 * @param message RemoveMapping message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.RemoveMapping.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a RemoveMapping message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.RemoveMapping & natpmp.helper.v1.RemoveMapping.$Shape} RemoveMapping
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.RemoveMapping & natpmp.helper.v1.RemoveMapping.$Shape;
            }

            namespace RemoveMapping {

                /** Properties of a RemoveMapping. */
                interface $Properties {

                    /** RemoveMapping protocol */
                    protocol?: (natpmp.helper.v1.Protocol|null);

                    /** RemoveMapping internalAddress */
                    internalAddress?: (number|null);

                    /** RemoveMapping internalPort */
                    internalPort?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a RemoveMapping. */
                type $Shape = natpmp.helper.v1.RemoveMapping.$Properties;
            }

            /**
             * Properties of a RemoveHostMappings.
             * @deprecated Use natpmp.helper.v1.RemoveHostMappings.$Properties instead.
             */
            interface IRemoveHostMappings extends natpmp.helper.v1.RemoveHostMappings.$Properties {
            }

            /** Represents a RemoveHostMappings. */
            class RemoveHostMappings {

                /**
                 * Constructs a new RemoveHostMappings.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.RemoveHostMappings.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** RemoveHostMappings protocol. */
                protocol: natpmp.helper.v1.Protocol;

                /** RemoveHostMappings internalAddress. */
                internalAddress: number;

                /**
                 * Encodes the specified RemoveHostMappings message. Does not implicitly {@link natpmp.helper.v1.RemoveHostMappings.verify|verify} messages.
                 * @param message RemoveHostMappings message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.RemoveHostMappings.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a RemoveHostMappings message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.RemoveHostMappings & natpmp.helper.v1.RemoveHostMappings.$Shape} RemoveHostMappings
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.RemoveHostMappings & natpmp.helper.v1.RemoveHostMappings.$Shape;
            }

            namespace RemoveHostMappings {

                /** Properties of a RemoveHostMappings. */
                interface $Properties {

                    /** RemoveHostMappings protocol */
                    protocol?: (natpmp.helper.v1.Protocol|null);

                    /** RemoveHostMappings internalAddress */
                    internalAddress?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a RemoveHostMappings. */
                type $Shape = natpmp.helper.v1.RemoveHostMappings.$Properties;
            }

            /**
             * Properties of a ListMappings.
             * @deprecated Use natpmp.helper.v1.ListMappings.$Properties instead.
             */
            interface IListMappings extends natpmp.helper.v1.ListMappings.$Properties {
            }

            /** Represents a ListMappings. */
            class ListMappings {

                /**
                 * Constructs a new ListMappings.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.ListMappings.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** ListMappings after. */
                after: number;

                /** ListMappings limit. */
                limit: number;

                /** ListMappings traffic. */
                traffic: boolean;

                /**
                 * Encodes the specified ListMappings message. Does not implicitly {@link natpmp.helper.v1.ListMappings.verify|verify} messages.
                 * @param message ListMappings message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.ListMappings.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a ListMappings message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.ListMappings & natpmp.helper.v1.ListMappings.$Shape} ListMappings
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.ListMappings & natpmp.helper.v1.ListMappings.$Shape;
            }

            namespace ListMappings {

                /** Properties of a ListMappings. */
                interface $Properties {

                    /** ListMappings after */
                    after?: (number|null);

                    /** ListMappings limit */
                    limit?: (number|null);

                    /** ListMappings traffic */
                    traffic?: (boolean|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a ListMappings. */
                type $Shape = natpmp.helper.v1.ListMappings.$Properties;
            }

            /**
             * Properties of an AddPinhole.
             * @deprecated Use natpmp.helper.v1.AddPinhole.$Properties instead.
             */
            interface IAddPinhole extends natpmp.helper.v1.AddPinhole.$Properties {
            }

            /** Represents an AddPinhole. */
            class AddPinhole {

                /**
                 * Constructs a new AddPinhole.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.AddPinhole.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** AddPinhole protocol. */
                protocol: natpmp.helper.v1.Protocol;

                /** AddPinhole address. */
                address: Uint8Array;

                /** AddPinhole port. */
                port: number;

                /** AddPinhole lifetimeSeconds. */
                lifetimeSeconds: number;

                /** AddPinhole origin. */
                origin: natpmp.helper.v1.Origin;

                /** AddPinhole nonce. */
                nonce: Uint8Array;

                /** AddPinhole hardwareAddress. */
                hardwareAddress: number;

                /**
                 * Encodes the specified AddPinhole message. Does not implicitly {@link natpmp.helper.v1.AddPinhole.verify|verify} messages.
                 * @param message AddPinhole message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.AddPinhole.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an AddPinhole message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.AddPinhole & natpmp.helper.v1.AddPinhole.$Shape} AddPinhole
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.AddPinhole & natpmp.helper.v1.AddPinhole.$Shape;
            }

            namespace AddPinhole {

                /** Properties of an AddPinhole. */
                interface $Properties {

                    /** AddPinhole protocol */
                    protocol?: (natpmp.helper.v1.Protocol|null);

                    /** AddPinhole address */
                    address?: (Uint8Array|null);

                    /** AddPinhole port */
                    port?: (number|null);

                    /** AddPinhole lifetimeSeconds */
                    lifetimeSeconds?: (number|null);

                    /** AddPinhole origin */
                    origin?: (natpmp.helper.v1.Origin|null);

                    /** AddPinhole nonce */
                    nonce?: (Uint8Array|null);

                    /** AddPinhole hardwareAddress */
                    hardwareAddress?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an AddPinhole. */
                type $Shape = natpmp.helper.v1.AddPinhole.$Properties;
            }

            /**
             * Properties of a RemovePinhole.
             * @deprecated Use natpmp.helper.v1.RemovePinhole.$Properties instead.
             */
            interface IRemovePinhole extends natpmp.helper.v1.RemovePinhole.$Properties {
            }

            /** Represents a RemovePinhole. */
            class RemovePinhole {

                /**
                 * Constructs a new RemovePinhole.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.RemovePinhole.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** RemovePinhole protocol. */
                protocol: natpmp.helper.v1.Protocol;

                /** RemovePinhole address. */
                address: Uint8Array;

                /** RemovePinhole port. */
                port: number;

                /** RemovePinhole nonce. */
                nonce: Uint8Array;

                /**
                 * Encodes the specified RemovePinhole message. Does not implicitly {@link natpmp.helper.v1.RemovePinhole.verify|verify} messages.
                 * @param message RemovePinhole message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.RemovePinhole.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a RemovePinhole message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.RemovePinhole & natpmp.helper.v1.RemovePinhole.$Shape} RemovePinhole
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.RemovePinhole & natpmp.helper.v1.RemovePinhole.$Shape;
            }

            namespace RemovePinhole {

                /** Properties of a RemovePinhole. */
                interface $Properties {

                    /** RemovePinhole protocol */
                    protocol?: (natpmp.helper.v1.Protocol|null);

                    /** RemovePinhole address */
                    address?: (Uint8Array|null);

                    /** RemovePinhole port */
                    port?: (number|null);

                    /** RemovePinhole nonce */
                    nonce?: (Uint8Array|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a RemovePinhole. */
                type $Shape = natpmp.helper.v1.RemovePinhole.$Properties;
            }

            /**
             * Properties of a ListPinholes.
             * @deprecated Use natpmp.helper.v1.ListPinholes.$Properties instead.
             */
            interface IListPinholes extends natpmp.helper.v1.ListPinholes.$Properties {
            }

            /** Represents a ListPinholes. */
            class ListPinholes {

                /**
                 * Constructs a new ListPinholes.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.ListPinholes.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** ListPinholes after. */
                after: number;

                /** ListPinholes limit. */
                limit: number;

                /** ListPinholes traffic. */
                traffic: boolean;

                /**
                 * Encodes the specified ListPinholes message. Does not implicitly {@link natpmp.helper.v1.ListPinholes.verify|verify} messages.
                 * @param message ListPinholes message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.ListPinholes.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a ListPinholes message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.ListPinholes & natpmp.helper.v1.ListPinholes.$Shape} ListPinholes
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.ListPinholes & natpmp.helper.v1.ListPinholes.$Shape;
            }

            namespace ListPinholes {

                /** Properties of a ListPinholes. */
                interface $Properties {

                    /** ListPinholes after */
                    after?: (number|null);

                    /** ListPinholes limit */
                    limit?: (number|null);

                    /** ListPinholes traffic */
                    traffic?: (boolean|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a ListPinholes. */
                type $Shape = natpmp.helper.v1.ListPinholes.$Properties;
            }

            /**
             * Properties of a Watch.
             * @deprecated Use natpmp.helper.v1.Watch.$Properties instead.
             */
            interface IWatch extends natpmp.helper.v1.Watch.$Properties {
            }

            /** Represents a Watch. */
            class Watch {

                /**
                 * Constructs a new Watch.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.Watch.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Watch pinholes. */
                pinholes: boolean;

                /**
                 * Encodes the specified Watch message. Does not implicitly {@link natpmp.helper.v1.Watch.verify|verify} messages.
                 * @param message Watch message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.Watch.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Watch message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Watch & natpmp.helper.v1.Watch.$Shape} Watch
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.Watch & natpmp.helper.v1.Watch.$Shape;
            }

            namespace Watch {

                /** Properties of a Watch. */
                interface $Properties {

                    /** Watch pinholes */
                    pinholes?: (boolean|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Watch. */
                type $Shape = natpmp.helper.v1.Watch.$Properties;
            }

            /**
             * Properties of a Status.
             * @deprecated Use natpmp.helper.v1.Status.$Properties instead.
             */
            interface IStatus extends natpmp.helper.v1.Status.$Properties {
            }

            /** Represents a Status. */
            class Status {

                /**
                 * Constructs a new Status.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.Status.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /**
                 * Encodes the specified Status message. Does not implicitly {@link natpmp.helper.v1.Status.verify|verify} messages.
                 * @param message Status message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.Status.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Status message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Status & natpmp.helper.v1.Status.$Shape} Status
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.Status & natpmp.helper.v1.Status.$Shape;
            }

            namespace Status {

                /** Properties of a Status. */
                interface $Properties {

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Status. */
                type $Shape = natpmp.helper.v1.Status.$Properties;
            }

            /**
             * Properties of a Mapping.
             * @deprecated Use natpmp.helper.v1.Mapping.$Properties instead.
             */
            interface IMapping extends natpmp.helper.v1.Mapping.$Properties {
            }

            /** Represents a Mapping. */
            class Mapping {

                /**
                 * Constructs a new Mapping.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.Mapping.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Mapping protocol. */
                protocol: natpmp.helper.v1.Protocol;

                /** Mapping internalAddress. */
                internalAddress: number;

                /** Mapping internalPort. */
                internalPort: number;

                /** Mapping externalPort. */
                externalPort: number;

                /** Mapping lifetimeSeconds. */
                lifetimeSeconds: number;

                /** Mapping origin. */
                origin: natpmp.helper.v1.Origin;

                /** Mapping expiresAtMs. */
                expiresAtMs: number;

                /** Mapping traffic. */
                traffic?: (natpmp.helper.v1.Traffic.$Properties|null);

                /** Mapping tool. */
                tool: number;

                /**
                 * Encodes the specified Mapping message. Does not implicitly {@link natpmp.helper.v1.Mapping.verify|verify} messages.
                 * @param message Mapping message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.Mapping.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Mapping message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Mapping & natpmp.helper.v1.Mapping.$Shape} Mapping
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.Mapping & natpmp.helper.v1.Mapping.$Shape;
            }

            namespace Mapping {

                /** Properties of a Mapping. */
                interface $Properties {

                    /** Mapping protocol */
                    protocol?: (natpmp.helper.v1.Protocol|null);

                    /** Mapping internalAddress */
                    internalAddress?: (number|null);

                    /** Mapping internalPort */
                    internalPort?: (number|null);

                    /** Mapping externalPort */
                    externalPort?: (number|null);

                    /** Mapping lifetimeSeconds */
                    lifetimeSeconds?: (number|null);

                    /** Mapping origin */
                    origin?: (natpmp.helper.v1.Origin|null);

                    /** Mapping expiresAtMs */
                    expiresAtMs?: (number|null);

                    /** Mapping traffic */
                    traffic?: (natpmp.helper.v1.Traffic.$Properties|null);

                    /** Mapping tool */
                    tool?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Mapping. */
                type $Shape = natpmp.helper.v1.Mapping.$Properties;
            }

            /**
             * Properties of a Traffic.
             * @deprecated Use natpmp.helper.v1.Traffic.$Properties instead.
             */
            interface ITraffic extends natpmp.helper.v1.Traffic.$Properties {
            }

            /** Represents a Traffic. */
            class Traffic {

                /**
                 * Constructs a new Traffic.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.Traffic.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Traffic packets. */
                packets: number;

                /** Traffic bytes. */
                bytes: number;

                /**
                 * Encodes the specified Traffic message. Does not implicitly {@link natpmp.helper.v1.Traffic.verify|verify} messages.
                 * @param message Traffic message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.Traffic.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Traffic message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Traffic & natpmp.helper.v1.Traffic.$Shape} Traffic
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.Traffic & natpmp.helper.v1.Traffic.$Shape;
            }

            namespace Traffic {

                /** Properties of a Traffic. */
                interface $Properties {

                    /** Traffic packets */
                    packets?: (number|null);

                    /** Traffic bytes */
                    bytes?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Traffic. */
                type $Shape = natpmp.helper.v1.Traffic.$Properties;
            }

            /**
             * Properties of a Removed.
             * @deprecated Use natpmp.helper.v1.Removed.$Properties instead.
             */
            interface IRemoved extends natpmp.helper.v1.Removed.$Properties {
            }

            /** Represents a Removed. */
            class Removed {

                /**
                 * Constructs a new Removed.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.Removed.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Removed count. */
                count: number;

                /**
                 * Encodes the specified Removed message. Does not implicitly {@link natpmp.helper.v1.Removed.verify|verify} messages.
                 * @param message Removed message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.Removed.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Removed message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Removed & natpmp.helper.v1.Removed.$Shape} Removed
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.Removed & natpmp.helper.v1.Removed.$Shape;
            }

            namespace Removed {

                /** Properties of a Removed. */
                interface $Properties {

                    /** Removed count */
                    count?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Removed. */
                type $Shape = natpmp.helper.v1.Removed.$Properties;
            }

            /**
             * Properties of a HostMappingsRemoved.
             * @deprecated Use natpmp.helper.v1.HostMappingsRemoved.$Properties instead.
             */
            interface IHostMappingsRemoved extends natpmp.helper.v1.HostMappingsRemoved.$Properties {
            }

            /** Represents a HostMappingsRemoved. */
            class HostMappingsRemoved {

                /**
                 * Constructs a new HostMappingsRemoved.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.HostMappingsRemoved.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** HostMappingsRemoved count. */
                count: number;

                /** HostMappingsRemoved kept. */
                kept: number;

                /**
                 * Encodes the specified HostMappingsRemoved message. Does not implicitly {@link natpmp.helper.v1.HostMappingsRemoved.verify|verify} messages.
                 * @param message HostMappingsRemoved message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.HostMappingsRemoved.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a HostMappingsRemoved message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.HostMappingsRemoved & natpmp.helper.v1.HostMappingsRemoved.$Shape} HostMappingsRemoved
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.HostMappingsRemoved & natpmp.helper.v1.HostMappingsRemoved.$Shape;
            }

            namespace HostMappingsRemoved {

                /** Properties of a HostMappingsRemoved. */
                interface $Properties {

                    /** HostMappingsRemoved count */
                    count?: (number|null);

                    /** HostMappingsRemoved kept */
                    kept?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a HostMappingsRemoved. */
                type $Shape = natpmp.helper.v1.HostMappingsRemoved.$Properties;
            }

            /**
             * Properties of a Pinhole.
             * @deprecated Use natpmp.helper.v1.Pinhole.$Properties instead.
             */
            interface IPinhole extends natpmp.helper.v1.Pinhole.$Properties {
            }

            /** Represents a Pinhole. */
            class Pinhole {

                /**
                 * Constructs a new Pinhole.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.Pinhole.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Pinhole protocol. */
                protocol: natpmp.helper.v1.Protocol;

                /** Pinhole address. */
                address: Uint8Array;

                /** Pinhole port. */
                port: number;

                /** Pinhole lifetimeSeconds. */
                lifetimeSeconds: number;

                /** Pinhole origin. */
                origin: natpmp.helper.v1.Origin;

                /** Pinhole expiresAtMs. */
                expiresAtMs: number;

                /** Pinhole hardwareAddress. */
                hardwareAddress: number;

                /** Pinhole traffic. */
                traffic?: (natpmp.helper.v1.Traffic.$Properties|null);

                /**
                 * Encodes the specified Pinhole message. Does not implicitly {@link natpmp.helper.v1.Pinhole.verify|verify} messages.
                 * @param message Pinhole message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.Pinhole.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Pinhole message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Pinhole & natpmp.helper.v1.Pinhole.$Shape} Pinhole
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.Pinhole & natpmp.helper.v1.Pinhole.$Shape;
            }

            namespace Pinhole {

                /** Properties of a Pinhole. */
                interface $Properties {

                    /** Pinhole protocol */
                    protocol?: (natpmp.helper.v1.Protocol|null);

                    /** Pinhole address */
                    address?: (Uint8Array|null);

                    /** Pinhole port */
                    port?: (number|null);

                    /** Pinhole lifetimeSeconds */
                    lifetimeSeconds?: (number|null);

                    /** Pinhole origin */
                    origin?: (natpmp.helper.v1.Origin|null);

                    /** Pinhole expiresAtMs */
                    expiresAtMs?: (number|null);

                    /** Pinhole hardwareAddress */
                    hardwareAddress?: (number|null);

                    /** Pinhole traffic */
                    traffic?: (natpmp.helper.v1.Traffic.$Properties|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Pinhole. */
                type $Shape = natpmp.helper.v1.Pinhole.$Properties;
            }

            /**
             * Properties of a PinholeList.
             * @deprecated Use natpmp.helper.v1.PinholeList.$Properties instead.
             */
            interface IPinholeList extends natpmp.helper.v1.PinholeList.$Properties {
            }

            /** Represents a PinholeList. */
            class PinholeList {

                /**
                 * Constructs a new PinholeList.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.PinholeList.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** PinholeList pinholes. */
                pinholes: natpmp.helper.v1.Pinhole.$Properties[];

                /** PinholeList next. */
                next: number;

                /**
                 * Encodes the specified PinholeList message. Does not implicitly {@link natpmp.helper.v1.PinholeList.verify|verify} messages.
                 * @param message PinholeList message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.PinholeList.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a PinholeList message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.PinholeList & natpmp.helper.v1.PinholeList.$Shape} PinholeList
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.PinholeList & natpmp.helper.v1.PinholeList.$Shape;
            }

            namespace PinholeList {

                /** Properties of a PinholeList. */
                interface $Properties {

                    /** PinholeList pinholes */
                    pinholes?: (natpmp.helper.v1.Pinhole.$Properties[]|null);

                    /** PinholeList next */
                    next?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a PinholeList. */
                type $Shape = natpmp.helper.v1.PinholeList.$Properties;
            }

            /**
             * Properties of a MappingList.
             * @deprecated Use natpmp.helper.v1.MappingList.$Properties instead.
             */
            interface IMappingList extends natpmp.helper.v1.MappingList.$Properties {
            }

            /** Represents a MappingList. */
            class MappingList {

                /**
                 * Constructs a new MappingList.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.MappingList.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** MappingList mappings. */
                mappings: natpmp.helper.v1.Mapping.$Properties[];

                /** MappingList next. */
                next: number;

                /**
                 * Encodes the specified MappingList message. Does not implicitly {@link natpmp.helper.v1.MappingList.verify|verify} messages.
                 * @param message MappingList message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.MappingList.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a MappingList message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.MappingList & natpmp.helper.v1.MappingList.$Shape} MappingList
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.MappingList & natpmp.helper.v1.MappingList.$Shape;
            }

            namespace MappingList {

                /** Properties of a MappingList. */
                interface $Properties {

                    /** MappingList mappings */
                    mappings?: (natpmp.helper.v1.Mapping.$Properties[]|null);

                    /** MappingList next */
                    next?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a MappingList. */
                type $Shape = natpmp.helper.v1.MappingList.$Properties;
            }

            /**
             * Properties of a StatusReport.
             * @deprecated Use natpmp.helper.v1.StatusReport.$Properties instead.
             */
            interface IStatusReport extends natpmp.helper.v1.StatusReport.$Properties {
            }

            /** Represents a StatusReport. */
            class StatusReport {

                /**
                 * Constructs a new StatusReport.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.StatusReport.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** StatusReport epochStartMs. */
                epochStartMs: number;

                /** StatusReport mappings. */
                mappings: number;

                /** StatusReport staticMappings. */
                staticMappings: number;

                /** StatusReport maxMappings. */
                maxMappings: number;

                /** StatusReport maxMappingsPerHost. */
                maxMappingsPerHost: number;

                /** StatusReport maxLifetimeSeconds. */
                maxLifetimeSeconds: number;

                /** StatusReport journalBytes. */
                journalBytes: number;

                /** StatusReport kernelInStep. */
                kernelInStep: boolean;

                /** StatusReport pid. */
                pid: number;

                /** StatusReport resynchronisations. */
                resynchronisations: number;

                /** StatusReport startedAtMs. */
                startedAtMs: number;

                /** StatusReport totals. */
                totals?: (natpmp.helper.v1.Totals.$Properties|null);

                /** StatusReport pinholes. */
                pinholes: number;

                /** StatusReport maxPinholes. */
                maxPinholes: number;

                /** StatusReport staticPinholes. */
                staticPinholes: number;

                /**
                 * Encodes the specified StatusReport message. Does not implicitly {@link natpmp.helper.v1.StatusReport.verify|verify} messages.
                 * @param message StatusReport message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.StatusReport.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a StatusReport message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.StatusReport & natpmp.helper.v1.StatusReport.$Shape} StatusReport
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.StatusReport & natpmp.helper.v1.StatusReport.$Shape;
            }

            namespace StatusReport {

                /** Properties of a StatusReport. */
                interface $Properties {

                    /** StatusReport epochStartMs */
                    epochStartMs?: (number|null);

                    /** StatusReport mappings */
                    mappings?: (number|null);

                    /** StatusReport staticMappings */
                    staticMappings?: (number|null);

                    /** StatusReport maxMappings */
                    maxMappings?: (number|null);

                    /** StatusReport maxMappingsPerHost */
                    maxMappingsPerHost?: (number|null);

                    /** StatusReport maxLifetimeSeconds */
                    maxLifetimeSeconds?: (number|null);

                    /** StatusReport journalBytes */
                    journalBytes?: (number|null);

                    /** StatusReport kernelInStep */
                    kernelInStep?: (boolean|null);

                    /** StatusReport pid */
                    pid?: (number|null);

                    /** StatusReport resynchronisations */
                    resynchronisations?: (number|null);

                    /** StatusReport startedAtMs */
                    startedAtMs?: (number|null);

                    /** StatusReport totals */
                    totals?: (natpmp.helper.v1.Totals.$Properties|null);

                    /** StatusReport pinholes */
                    pinholes?: (number|null);

                    /** StatusReport maxPinholes */
                    maxPinholes?: (number|null);

                    /** StatusReport staticPinholes */
                    staticPinholes?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a StatusReport. */
                type $Shape = natpmp.helper.v1.StatusReport.$Properties;
            }

            /**
             * Properties of a Totals.
             * @deprecated Use natpmp.helper.v1.Totals.$Properties instead.
             */
            interface ITotals extends natpmp.helper.v1.Totals.$Properties {
            }

            /** Represents a Totals. */
            class Totals {

                /**
                 * Constructs a new Totals.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.Totals.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Totals refused. */
                refused: number[];

                /** Totals batches. */
                batches?: (natpmp.helper.v1.Histogram.$Properties|null);

                /** Totals kernel. */
                kernel?: (natpmp.helper.v1.Histogram.$Properties|null);

                /** Totals journal. */
                journal?: (natpmp.helper.v1.Histogram.$Properties|null);

                /**
                 * Encodes the specified Totals message. Does not implicitly {@link natpmp.helper.v1.Totals.verify|verify} messages.
                 * @param message Totals message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.Totals.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Totals message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Totals & natpmp.helper.v1.Totals.$Shape} Totals
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.Totals & natpmp.helper.v1.Totals.$Shape;
            }

            namespace Totals {

                /** Properties of a Totals. */
                interface $Properties {

                    /** Totals refused */
                    refused?: (number[]|null);

                    /** Totals batches */
                    batches?: (natpmp.helper.v1.Histogram.$Properties|null);

                    /** Totals kernel */
                    kernel?: (natpmp.helper.v1.Histogram.$Properties|null);

                    /** Totals journal */
                    journal?: (natpmp.helper.v1.Histogram.$Properties|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Totals. */
                type $Shape = natpmp.helper.v1.Totals.$Properties;
            }

            /**
             * Properties of a Histogram.
             * @deprecated Use natpmp.helper.v1.Histogram.$Properties instead.
             */
            interface IHistogram extends natpmp.helper.v1.Histogram.$Properties {
            }

            /** Represents a Histogram. */
            class Histogram {

                /**
                 * Constructs a new Histogram.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.Histogram.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Histogram counts. */
                counts: number[];

                /** Histogram sum. */
                sum: number;

                /**
                 * Encodes the specified Histogram message. Does not implicitly {@link natpmp.helper.v1.Histogram.verify|verify} messages.
                 * @param message Histogram message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.Histogram.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Histogram message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Histogram & natpmp.helper.v1.Histogram.$Shape} Histogram
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.Histogram & natpmp.helper.v1.Histogram.$Shape;
            }

            namespace Histogram {

                /** Properties of a Histogram. */
                interface $Properties {

                    /** Histogram counts */
                    counts?: (number[]|null);

                    /** Histogram sum */
                    sum?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Histogram. */
                type $Shape = natpmp.helper.v1.Histogram.$Properties;
            }

            /**
             * Properties of a Refused.
             * @deprecated Use natpmp.helper.v1.Refused.$Properties instead.
             */
            interface IRefused extends natpmp.helper.v1.Refused.$Properties {
            }

            /** Represents a Refused. */
            class Refused {

                /**
                 * Constructs a new Refused.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.Refused.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Refused reason. */
                reason: natpmp.helper.v1.Reason;

                /**
                 * Encodes the specified Refused message. Does not implicitly {@link natpmp.helper.v1.Refused.verify|verify} messages.
                 * @param message Refused message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.Refused.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Refused message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Refused & natpmp.helper.v1.Refused.$Shape} Refused
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.Refused & natpmp.helper.v1.Refused.$Shape;
            }

            namespace Refused {

                /** Properties of a Refused. */
                interface $Properties {

                    /** Refused reason */
                    reason?: (natpmp.helper.v1.Reason|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Refused. */
                type $Shape = natpmp.helper.v1.Refused.$Properties;
            }

            /**
             * Properties of an Event.
             * @deprecated Use natpmp.helper.v1.Event.$Properties instead.
             */
            interface IEvent extends natpmp.helper.v1.Event.$Properties {
            }

            /** Represents an Event. */
            class Event {

                /**
                 * Constructs a new Event.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: natpmp.helper.v1.Event.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Event kind. */
                kind: natpmp.helper.v1.Event.Kind;

                /** Event mapping. */
                mapping?: (natpmp.helper.v1.Mapping.$Properties|null);

                /** Event sequence. */
                sequence: number;

                /** Event pinhole. */
                pinhole?: (natpmp.helper.v1.Pinhole.$Properties|null);

                /**
                 * Encodes the specified Event message. Does not implicitly {@link natpmp.helper.v1.Event.verify|verify} messages.
                 * @param message Event message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: natpmp.helper.v1.Event.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an Event message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {natpmp.helper.v1.Event & natpmp.helper.v1.Event.$Shape} Event
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.v1.Event & natpmp.helper.v1.Event.$Shape;
            }

            namespace Event {

                /** Properties of an Event. */
                interface $Properties {

                    /** Event kind */
                    kind?: (natpmp.helper.v1.Event.Kind|null);

                    /** Event mapping */
                    mapping?: (natpmp.helper.v1.Mapping.$Properties|null);

                    /** Event sequence */
                    sequence?: (number|null);

                    /** Event pinhole */
                    pinhole?: (natpmp.helper.v1.Pinhole.$Properties|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an Event. */
                type $Shape = natpmp.helper.v1.Event.$Properties;

                /** Kind enum. */
                enum Kind {

                    /** KIND_UNSPECIFIED value */
                    KIND_UNSPECIFIED = 0,

                    /** KIND_GRANTED value */
                    KIND_GRANTED = 1,

                    /** KIND_RENEWED value */
                    KIND_RENEWED = 2,

                    /** KIND_REMOVED value */
                    KIND_REMOVED = 3,

                    /** KIND_EXPIRED value */
                    KIND_EXPIRED = 4,

                    /** KIND_RESYNCHRONISED value */
                    KIND_RESYNCHRONISED = 5,

                    /** KIND_PROBE value */
                    KIND_PROBE = 6
                }
            }
        }
    }
}
