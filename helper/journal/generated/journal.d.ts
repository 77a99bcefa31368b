// Generated from helper/journal/journal.proto by `npm run proto`. Do not edit.
import * as $protobuf from "protobufjs";
import Long = require("long");

/** Namespace natpmp. */
export namespace natpmp {

    /** Namespace helper. */
    namespace helper {

        /** Namespace journal. */
        namespace journal {

            /** Namespace v1. */
            namespace v1 {

                /**
                 * Properties of a Group.
                 * @deprecated Use natpmp.helper.journal.v1.Group.$Properties instead.
                 */
                interface IGroup extends natpmp.helper.journal.v1.Group.$Properties {
                }

                /** Represents a Group. */
                class Group {

                    /**
                     * Constructs a new Group.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: natpmp.helper.journal.v1.Group.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** Group clock. */
                    clock?: (natpmp.helper.journal.v1.Clock.$Properties|null);

                    /** Group put. */
                    put: natpmp.helper.journal.v1.Lease.$Properties[];

                    /** Group remove. */
                    remove: number[];

                    /** Group writtenAtMs. */
                    writtenAtMs: number;

                    /** Group putPinhole. */
                    putPinhole: natpmp.helper.journal.v1.Pinhole.$Properties[];

                    /** Group removePinhole. */
                    removePinhole: natpmp.helper.journal.v1.Pinhole.$Properties[];

                    /**
                     * Encodes the specified Group message. Does not implicitly {@link natpmp.helper.journal.v1.Group.verify|verify} messages.
                     * @param message Group message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: natpmp.helper.journal.v1.Group.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a Group message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {natpmp.helper.journal.v1.Group & natpmp.helper.journal.v1.Group.$Shape} Group
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.journal.v1.Group & natpmp.helper.journal.v1.Group.$Shape;
                }

                namespace Group {

                    /** Properties of a Group. */
                    interface $Properties {

                        /** Group clock */
                        clock?: (natpmp.helper.journal.v1.Clock.$Properties|null);

                        /** Group put */
                        put?: (natpmp.helper.journal.v1.Lease.$Properties[]|null);

                        /** Group remove */
                        remove?: (number[]|null);

                        /** Group writtenAtMs */
                        writtenAtMs?: (number|null);

                        /** Group putPinhole */
                        putPinhole?: (natpmp.helper.journal.v1.Pinhole.$Properties[]|null);

                        /** Group removePinhole */
                        removePinhole?: (natpmp.helper.journal.v1.Pinhole.$Properties[]|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a Group. */
                    type $Shape = natpmp.helper.journal.v1.Group.$Properties;
                }

                /**
                 * Properties of a Clock.
                 * @deprecated Use natpmp.helper.journal.v1.Clock.$Properties instead.
                 */
                interface IClock extends natpmp.helper.journal.v1.Clock.$Properties {
                }

                /** Represents a Clock. */
                class Clock {

                    /**
                     * Constructs a new Clock.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: natpmp.helper.journal.v1.Clock.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** Clock bootId. */
                    bootId: string;

                    /** Clock wallOffsetMs. */
                    wallOffsetMs: number;

                    /** Clock epochStartMs. */
                    epochStartMs: number;

                    /** Clock agedAtMs. */
                    agedAtMs: number;

                    /**
                     * Encodes the specified Clock message. Does not implicitly {@link natpmp.helper.journal.v1.Clock.verify|verify} messages.
                     * @param message Clock message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: natpmp.helper.journal.v1.Clock.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a Clock message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {natpmp.helper.journal.v1.Clock & natpmp.helper.journal.v1.Clock.$Shape} Clock
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.journal.v1.Clock & natpmp.helper.journal.v1.Clock.$Shape;
                }

                namespace Clock {

                    /** Properties of a Clock. */
                    interface $Properties {

                        /** Clock bootId */
                        bootId?: (string|null);

                        /** Clock wallOffsetMs */
                        wallOffsetMs?: (number|null);

                        /** Clock epochStartMs */
                        epochStartMs?: (number|null);

                        /** Clock agedAtMs */
                        agedAtMs?: (number|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a Clock. */
                    type $Shape = natpmp.helper.journal.v1.Clock.$Properties;
                }

                /**
                 * Properties of a Lease.
                 * @deprecated Use natpmp.helper.journal.v1.Lease.$Properties instead.
                 */
                interface ILease extends natpmp.helper.journal.v1.Lease.$Properties {
                }

                /** Represents a Lease. */
                class Lease {

                    /**
                     * Constructs a new Lease.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: natpmp.helper.journal.v1.Lease.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** Lease key. */
                    key: number;

                    /** Lease internalAddress. */
                    internalAddress: number;

                    /** Lease internalPort. */
                    internalPort: number;

                    /** Lease lifetimeSeconds. */
                    lifetimeSeconds: number;

                    /** Lease expiresAtMs. */
                    expiresAtMs: number;

                    /** Lease tool. */
                    tool: number;

                    /**
                     * Encodes the specified Lease message. Does not implicitly {@link natpmp.helper.journal.v1.Lease.verify|verify} messages.
                     * @param message Lease message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: natpmp.helper.journal.v1.Lease.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a Lease message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {natpmp.helper.journal.v1.Lease & natpmp.helper.journal.v1.Lease.$Shape} Lease
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.journal.v1.Lease & natpmp.helper.journal.v1.Lease.$Shape;
                }

                namespace Lease {

                    /** Properties of a Lease. */
                    interface $Properties {

                        /** Lease key */
                        key?: (number|null);

                        /** Lease internalAddress */
                        internalAddress?: (number|null);

                        /** Lease internalPort */
                        internalPort?: (number|null);

                        /** Lease lifetimeSeconds */
                        lifetimeSeconds?: (number|null);

                        /** Lease expiresAtMs */
                        expiresAtMs?: (number|null);

                        /** Lease tool */
                        tool?: (number|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a Lease. */
                    type $Shape = natpmp.helper.journal.v1.Lease.$Properties;
                }

                /**
                 * Properties of a Pinhole.
                 * @deprecated Use natpmp.helper.journal.v1.Pinhole.$Properties instead.
                 */
                interface IPinhole extends natpmp.helper.journal.v1.Pinhole.$Properties {
                }

                /** Represents a Pinhole. */
                class Pinhole {

                    /**
                     * Constructs a new Pinhole.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: natpmp.helper.journal.v1.Pinhole.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** Pinhole protocol. */
                    protocol: number;

                    /** Pinhole address. */
                    address: Uint8Array;

                    /** Pinhole port. */
                    port: number;

                    /** Pinhole lifetimeSeconds. */
                    lifetimeSeconds: number;

                    /** Pinhole expiresAtMs. */
                    expiresAtMs: number;

                    /** Pinhole nonce. */
                    nonce: Uint8Array;

                    /** Pinhole hardwareAddress. */
                    hardwareAddress: number;

                    /**
                     * Encodes the specified Pinhole message. Does not implicitly {@link natpmp.helper.journal.v1.Pinhole.verify|verify} messages.
                     * @param message Pinhole message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: natpmp.helper.journal.v1.Pinhole.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a Pinhole message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {natpmp.helper.journal.v1.Pinhole & natpmp.helper.journal.v1.Pinhole.$Shape} Pinhole
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): natpmp.helper.journal.v1.Pinhole & natpmp.helper.journal.v1.Pinhole.$Shape;
                }

                namespace Pinhole {

                    /** Properties of a Pinhole. */
                    interface $Properties {

                        /** Pinhole protocol */
                        protocol?: (number|null);

                        /** Pinhole address */
                        address?: (Uint8Array|null);

                        /** Pinhole port */
                        port?: (number|null);

                        /** Pinhole lifetimeSeconds */
                        lifetimeSeconds?: (number|null);

                        /** Pinhole expiresAtMs */
                        expiresAtMs?: (number|null);

                        /** Pinhole nonce */
                        nonce?: (Uint8Array|null);

                        /** Pinhole hardwareAddress */
                        hardwareAddress?: (number|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a Pinhole. */
                    type $Shape = natpmp.helper.journal.v1.Pinhole.$Properties;
                }
            }
        }
    }
}
